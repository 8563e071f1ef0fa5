// One module of a plugin's source and the SDK, which exports what a component of its kind must export.

import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { interfaces } from "../src/interfaces.js";
import { lineTable } from "./lines.js";

const SDK = resolve(dirname(fileURLToPath(import.meta.url)), "..");

// Returns the module's text, the names of its exports, and the table of its lines.
export async function bundle(esbuild, entry) {
  const common = {
    bundle: true, format: "esm", platform: "neutral", mainFields: ["module", "main"], target: "es2023", charset: "utf8",
    write: false, external: ["hookswitch:*"], logLevel: "silent", absWorkingDir: dirname(entry),
    alias: { "hookswitch/define": `${SDK}/src/define.js`, "hookswitch/globals": `${SDK}/src/globals.js`,
      hookswitch: `${SDK}/src/index.js` },
  };
  const run = (options) => esbuild.build({ ...common, ...options }).catch((error) => {
    throw new Error(error.errors?.map(shown).join("\n") || error.message);
  });
  const { metafile } = await run({ entryPoints: [entry], metafile: true, outfile: "plugin.js" });
  const found = Object.values(metafile.outputs).flatMap((output) => output.exports);
  const exports = ["plugin", ...Object.keys(interfaces).filter((name) => found.includes(name))];
  const { outputFiles } = await run({
    stdin: { contents: found.includes("plugin") ? asItIs(entry) : defined(entry, exports), resolveDir: dirname(entry), sourcefile: "" },
    sourcemap: "external", sourcesContent: false, outfile: "plugin.js",
  });
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const table = lineTable(JSON.parse(text(".js.map")), (source) => named(entry, source));
  return { code: `${text(".js")}\nglobalThis.hookswitchLines = ${JSON.stringify(table)};\n`, exports, table };
}

// The module that makes exports of what the plugin's source defines.
const defined = (entry, exports) => `
import * as source from ${JSON.stringify(entry)};
import "hookswitch/globals";
import { definePlugin, bundled } from "hookswitch/define";
export const { ${exports.join(", ")} } = definePlugin(source, bundled);
`;

// A source that exports `plugin` itself speaks the contract without the help of `definePlugin`.
const asItIs = (entry) => `export * from ${JSON.stringify(entry)};`;

// A file's name for people, from the folder of the plugin's source; "" for the SDK's own files.
function named(entry, source) {
  const file = resolve(dirname(entry), source);
  return source === "" || file.startsWith(`${SDK}/src/`) ? "" : relative(dirname(entry), file);
}

const shown = ({ text, location }) => (location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text);
