"""AvatarRig: photos of a person in, that person's skeletal proportions out."""
