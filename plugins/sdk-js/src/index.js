// Write Hookswitch plugins in JavaScript. README.md shows how; types/ says what each thing takes and gives.

export { failure, Failure } from "./failure.js";
export { http } from "./http.js";
export { searchThenCreate } from "./once.js";
export { pages } from "./pages.js";
export { clock, documents, job, people, phone, random, recording, secrets } from "./host.js";
export { log } from "./log.js";
export { settings } from "./settings.js";
export { storage } from "./storage.js";
