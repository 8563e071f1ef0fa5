// The steps of a build: bundle, world, component.

import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { placeIn } from "../src/place.js";
import { bundle } from "./bundle.js";
import { world } from "./world.js";

// Builds the component; returns its size in bytes and what it exports.
export async function build({ source, output, wit }) {
  const entry = resolve(source);
  const tools = await load(entry);
  const { code, exports, table } = await bundle(tools.esbuild, entry);
  const work = await mkdtemp(join(tmpdir(), "hookswitch-"));
  try {
    await layOut(resolve(wit), exports, join(work, "wit"));
    await writeFile(join(work, "plugin.js"), code);
    const options = { stubWasi: true, optSize: true, sync: true };
    const module = { jsSource: code, jsPath: join(work, "plugin.js"), moduleRoot: work };
    const { component } = await tools.componentize({ witPath: join(work, "wit"), ...module, ...options }).catch((error) => {
      throw new Error(inSource(error.message, table));
    });
    await mkdir(dirname(resolve(output)), { recursive: true });
    await writeFile(output, component);
    return { size: component.length, exports };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

// What the engine says of the bundle, said of the source.
const inSource = (text, table) =>
  text.replace(/\/plugin\.js:(\d+):\d+/g, (place, line) => placeIn(table, Number(line)) ?? place);

// The plugin's own world, and beside it the contract.
async function layOut(wit, exports, folder) {
  const files = await readdir(wit).catch(() => []);
  if (!files.includes("types.wit")) {
    throw new Error(`${wit} does not hold the contract (types.wit, plugin.wit …); name its folder by --wit`);
  }
  const contract = join(folder, "deps/hookswitch-plugin");
  await mkdir(contract, { recursive: true });
  for (const file of files.filter((name) => name.endsWith(".wit"))) await cp(join(wit, file), join(contract, file));
  await writeFile(join(folder, "world.wit"), world(exports));
}

// The two programs that a build needs, from the plugin's own node_modules or from where NODE_PATH points to.
async function load(entry) {
  const require = createRequire(entry);
  const find = (name) => {
    try {
      return require(name);
    } catch (error) {
      if (error.code !== "MODULE_NOT_FOUND") throw error;
      throw new Error(`${name} is missing; install it with: npm install --save-dev ${name}`);
    }
  };
  return { esbuild: find("esbuild"), componentize: find("componentize-qjs").componentize };
}
