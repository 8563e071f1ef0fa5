// Whether an answer is like an example of it: the same kinds of values at the same places, others may be there too.

// Returns what is wrong, or null. `""` stands for a text, `0` for a number, `true` for a flag, `null` for anything,
// `[x]` for a list whose items are like x, `{…}` for an object that has these keys.
export function unlike(value, example, place = "") {
  if (example === null) return null;
  const kind = kindOf(example);
  if (kindOf(value) !== kind) {
    const where = place === "" ? "it" : `\`${place}\``;
    return value === undefined ? `${where} is missing` : `${where} is not ${kind}`;
  }
  if (Array.isArray(example)) return example.length === 0 ? null : first(value, (item, index) => unlike(item, example[0], `${place}[${index}]`));
  if (typeof example !== "object") return null;
  const path = place === "" ? "" : `${place}.`;
  return first(Object.entries(example), ([key, part]) => unlike(value[key], part, path + key));
}

function first(items, find) {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== null) return found;
  }
  return null;
}

const kindOf = (value) =>
  Array.isArray(value) ? "a list" : { object: value === null ? "null" : "an object", string: "a text", number: "a number", boolean: "a flag" }[typeof value];
