// Tells what Khronos' validator says of each file: one line of JSON a file, how often each code.
import fs from "node:fs";
import validator from "gltf-validator";

for (const file of process.argv.slice(2)) {
  const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(file)));
  const found = { errors: {}, warnings: {} };
  for (const { severity, code } of report.issues.messages) {
    const kind = ["errors", "warnings"][severity];
    if (kind) found[kind][code] = (found[kind][code] ?? 0) + 1;
  }
  console.log(JSON.stringify(found));
}
