// Where an exception happened, in the plugin's own source. The engine tells it by its stack, a line for each frame:
// `    at name (FILE:LINE:COLUMN)`, and `    at FILE:LINE:COLUMN` where a text cannot be parsed.

const FRAME = /^\s*at (?:(.*) \()?(.+):(\d+):(\d+)\)?$/;

// `where` says what the source is called, and gives the place of a frame in it as text; null for frames that are none of
// the plugin's.
export function told(error, where) {
  const frames = [];
  for (const line of (error.stack ?? "").split("\n")) {
    const [, name, file, at, column] = FRAME.exec(line) ?? [];
    const place = file === undefined ? null : where.place(file, Number(at), Number(column));
    if (place !== null) frames.push({ name, place });
  }
  // A frame without a name is a place in the text that was parsed: the source itself, unless it was running already.
  const running = frames.filter(({ name }) => name !== undefined);
  const own = running.length > 0 ? running : frames;
  const trail = own.map(({ name, place }) => (name ? `at ${name} (${place})` : `at ${place}`)).join("\n");
  return { place: own[0]?.place ?? where.source, trail };
}

// A line of a bundle as a place in the source, by the table that the build puts beside it: rows of [line of the bundle,
// file, line there], each good until the next; a file "" is none of the plugin's.
export function placeIn(table, line) {
  const row = table.findLast(([first]) => first <= line);
  return row === undefined || row[1] === "" ? null : `${row[1]}:${row[2] + line - row[0]}`;
}

// Places in the bundle that this runs in.
export const bundled = {
  source: "the plugin",
  place: (_file, line) => placeIn(globalThis.hookswitchLines ?? [], line),
};
