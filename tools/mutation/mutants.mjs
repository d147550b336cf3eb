// What can be changed in the contracts, one place at a time, and in which order it is tried.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A pattern, and what each match becomes. */
const OPERATORS = [
  { name: 'guard removed', pattern: /\brequire\(/g, change: () => 'require(true || ' },
  { name: 'modifier removed', pattern: /\b(nonReentrant|restricted|whenNotPaused)\b/g, change: () => '' },
  { name: 'comparison moved', pattern: /(?<![<>=!-])(<=|>=|<|>)(?![<>=])/g, change: (text) => ({ '<=': '<', '>=': '>', '<': '<=', '>': '>=' })[text] },
  { name: 'equality turned', pattern: /(==|!=)/g, change: (text) => ({ '==': '!=', '!=': '==' })[text] },
  { name: 'logic turned', pattern: /(&&|\|\|)/g, change: (text) => ({ '&&': '||', '||': '&&' })[text] },
  { name: 'sum turned', pattern: / (\+|-) /g, change: (text) => ({ ' + ': ' - ', ' - ': ' + ' })[text] },
  { name: 'update turned', pattern: / (\+=|-=) /g, change: (text) => ({ ' += ': ' -= ', ' -= ': ' += ' })[text] },
  { name: 'rounding turned', pattern: /, Math\.Rounding\.Ceil/g, change: () => '' },
  { name: 'choice turned', pattern: /\bMath\.(min|max)\b/g, change: (text) => ({ 'Math.min': 'Math.max', 'Math.max': 'Math.min' })[text] },
  { name: 'event removed', pattern: /^\s*emit [^;]*;$/g, change: () => '' },
  { name: 'assignment removed', pattern: /^\s+(delete )?_?[a-zA-Z_]+(\[[^=;]*\]|\.[a-zA-Z]+)*( [-+]?= [^=;]+)?;$/g, change: () => '' },
];

/** Code of a line, with comments and what only looks like code blanked out. */
function code(line) {
  if (/^\s*(\/\/|\/\*|\*|import |pragma |using |event |error )/.test(line)) return '';
  return line.replace(/\/\/.*$/, '').replace(/"[^"]*"/g, (text) => ' '.repeat(text.length)).trimEnd();
}

function mutantsOf(root, file) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const found = [];
  lines.forEach((line, at) => {
    const text = code(line);
    for (const { name, pattern, change } of OPERATORS) {
      for (const { index, 0: match } of text.matchAll(pattern)) {
        const replaced = line.slice(0, index) + change(match) + line.slice(index + match.length);
        const mutated = lines.with(at, replaced).join('\n');
        const key = createHash('sha256').update(`${file}\n${mutated}`).digest('hex');
        found.push({ key, file, line: at + 1, operator: name, before: line.trim(), after: replaced.trim(), mutated });
      }
    }
  });
  return found;
}

/** Items by what a function says of each. */
export function grouped(items, by) {
  const groups = new Map();
  for (const item of items) groups.set(by(item), [...(groups.get(by(item)) ?? []), item]);
  return groups;
}

/** Gives each its place in its stratum, a file and an operator, as a share: any first part of the order is a fair sample. */
function placed(mutants) {
  const strata = grouped(mutants, ({ file, operator }) => `${file} ${operator}`);
  return [...strata.values()].flatMap((stratum) =>
    stratum
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map((mutant, rank) => ({ ...mutant, place: (rank + Number(`0x${mutant.key.slice(0, 8)}`) / 2 ** 32) / stratum.length })),
  );
}

/** All mutants of the files whose name contains a text, in the order in which they are tried, the same everywhere. */
export function mutants(root, only = '') {
  const files = readdirSync(join(root, 'contracts/src'), { recursive: true })
    .filter((file) => file.endsWith('.sol') && !file.startsWith('interfaces'))
    .map((file) => `contracts/src/${file}`)
    .filter((file) => file.includes(only));
  return placed(files.flatMap((file) => mutantsOf(root, file))).sort((a, b) => a.place - b.place);
}
