// From a source map (ECMA-426) to a small table: which line of the bundle is which line of which file.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Rows of [line of the bundle, file, line there], each good until the next; lines count from 1.
export function lineTable({ mappings, sources }, named) {
  const rows = [];
  let file = 0;
  let line = 0;
  for (const [index, segments] of mappings.split(";").entries()) {
    let first = null;
    for (const segment of segments.split(",")) {
      const [, toFile = 0, toLine = 0] = numbers(segment);
      file += toFile;
      line += toLine;
      if (segment.length > 1) first ??= [index + 1, named(sources[file]), line + 1];
    }
    const last = rows.at(-1);
    const goesOn = last && first && last[1] === first[1] && first[0] - last[0] === first[2] - last[2];
    if (first && !goesOn) rows.push(first);
  }
  return rows;
}

// Numbers in base 64, the least significant five bits first, the sign in the lowest bit.
function numbers(segment) {
  const found = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value |= (bits & 31) << shift;
    shift += 5;
    if ((bits & 32) === 0) {
      found.push(value & 1 ? -(value >> 1) : value >> 1);
      value = shift = 0;
    }
  }
  return found;
}
