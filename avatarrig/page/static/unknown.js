// Nobody of that name is here: goes on to the skeleton as soon as there is one.

import { listen } from "./common.js";

const name = new URLSearchParams(location.search).get("name");
listen(`/events?name=${encodeURIComponent(name)}`, (content) => content.known && location.reload());
