#!/usr/bin/env node
// `hookswitch-build plugin.js -o plugin.wasm`: from a plugin's source to a component, without a network.

import { parseArgs } from "node:util";
import { build } from "./build.js";

const USAGE = `usage: hookswitch-build SOURCE [-o FILE.wasm] [--wit FOLDER]

  SOURCE    the plugin: a module in JavaScript or TypeScript
  -o        the component; default: SOURCE with the ending .wasm
  --wit     the contract: the folder wit/0.1.0 of Hookswitch; default: wit`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { output: { type: "string", short: "o" }, wit: { type: "string", default: "wit" } },
  });
  if (positionals.length !== 1) throw new Error(USAGE);
  const [source] = positionals;
  const output = values.output ?? source.replace(/\.[^.]+$/, "") + ".wasm";
  const { size, exports } = await build({ source, output, wit: values.wit });
  console.log(`${output}: ${Math.round(size / 1024)} KiB, exports ${exports.join(", ")}`);
} catch (error) {
  console.error(`hookswitch-build: ${error.message}`);
  process.exitCode = 1;
}
