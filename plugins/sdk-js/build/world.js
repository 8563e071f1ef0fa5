// The world of one plugin: every import, and exactly the exports that it has.

export function world(exports) {
  const lines = exports.map((name) => `  export hookswitch:plugin/${name}@0.1.0;`);
  return `package local:plugin;\n\nworld plugin {\n  include hookswitch:plugin/imports@0.1.0;\n\n${lines.join("\n")}\n}\n`;
}
