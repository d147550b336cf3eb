#!/usr/bin/env node
// Mutation test of the contracts: changes one thing in contracts/src at a time and asks whether a test notices.
//
//   node tools/mutate.mjs [--only NAME] [--sample N] [--jobs N]
//
// Writes target/bench/mutation.json. A mutant that does not compile is none. Tests run with few fuzz runs: a mutant
// killed so is killed, and one that survives is run again with as many as `make test` has.
import { spawnSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCE = join(ROOT, 'contracts/src');
const WORK = join(ROOT, 'target/mutation');
const RESULT = join(ROOT, 'target/bench/mutation.json');
/** A test run that takes longer hangs, which is noticed, too. */
const TIMEOUT_MS = 900_000;

/** What is changed, one place at a time: a pattern, and what each match becomes. */
const OPERATORS = [
  { name: 'guard removed', pattern: /\brequire\((?=[^;]*;)/g, change: (line) => line.replace(/\brequire\(\s*/, 'require(true || ') },
  { name: 'modifier removed', pattern: /\b(nonReentrant|restricted)\b/g, change: () => '' },
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

function sources() {
  return readdirSync(SOURCE, { recursive: true })
    .filter((file) => file.endsWith('.sol') && !file.startsWith('interfaces'))
    .map((file) => join(SOURCE, file))
    .sort();
}

/** Code of a line, with comments and what only looks like code blanked out. */
function code(line) {
  if (/^\s*(\/\/|\/\*|\*|import |pragma |using |event |error )/.test(line)) return '';
  return line.replace(/\/\/.*$/, '').replace(/"[^"]*"/g, (text) => ' '.repeat(text.length)).trimEnd();
}

function mutantsOf(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const found = [];
  lines.forEach((line, at) => {
    const text = code(line);
    for (const { name, pattern, change } of OPERATORS) {
      for (const match of text.matchAll(pattern)) {
        const replaced =
          name === 'guard removed'
            ? change(line)
            : line.slice(0, match.index) + change(match[0]) + line.slice(match.index + match[0].length);
        if (replaced === line) continue;
        const mutated = lines.with(at, replaced).join('\n');
        found.push({ file: relative(ROOT, file), line: at + 1, operator: name, before: line.trim(), after: replaced.trim(), mutated });
      }
    }
  });
  return found;
}

/** The same mutants on every machine, spread over files and operators. */
function sampled(mutants, size) {
  if (!size || size >= mutants.length) return mutants;
  const rank = ({ file, line, after }) => createHash('sha256').update(`${file}:${line}:${after}`).digest('hex');
  return mutants.map((mutant) => [rank(mutant), mutant]).sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, size).map(([, mutant]) => mutant);
}

/** A copy of the project for one worker, compiled once. */
function workplace(number) {
  const folder = join(WORK, String(number));
  mkdirSync(join(folder, 'target'), { recursive: true });
  for (const path of ['contracts', 'tools', 'foundry.toml']) {
    rmSync(join(folder, path), { recursive: true, force: true });
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  if (!existsSync(join(folder, 'node_modules'))) symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const built = spawnSync('tools/forge', ['build'], { cwd: folder, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the contracts do not compile as they are:\n${built.stdout}${built.stderr}`);
  return folder;
}

function forge(folder, args, env) {
  return new Promise((resolve) => {
    const child = spawn('tools/forge', args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

const FEW = { FOUNDRY_FUZZ_RUNS: '16', FOUNDRY_INVARIANT_RUNS: '8', FOUNDRY_INVARIANT_DEPTH: '64' };

/** Its own tests first, because they are the likeliest to notice; then all; then all as in `make test`. */
async function judge(folder, mutant) {
  const path = join(folder, mutant.file);
  const original = readFileSync(join(ROOT, mutant.file), 'utf8');
  writeFileSync(path, mutant.mutated);
  try {
    const built = await forge(folder, ['build', 'contracts/src']);
    if (built.status !== 0) return 'invalid';
    const own = `contracts/test/**/${basename(mutant.file, '.sol')}*.sol`;
    const stages = [
      [['--match-path', own], FEW],
      [['--no-match-path', 'contracts/test/gas/*'], FEW],
      [['--match-path', 'contracts/test/invariant/*'], {}],
    ];
    for (const [args, env] of stages) {
      const tested = await forge(folder, ['test', '--fail-fast', ...args], env);
      if (tested.status !== 0 && !/No tests (found|to run)/i.test(tested.output)) return 'killed';
    }
    return 'survived';
  } finally {
    writeFileSync(path, original);
  }
}

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, sample: { type: 'string' }, jobs: { type: 'string', default: '2' } },
});
const every = sources().flatMap(mutantsOf).filter(({ file }) => !options.only || file.includes(options.only));
const queue = sampled(every, Number(options.sample ?? 0));
console.log(`${queue.length} of ${every.length} mutants of ${sources().length} files`);
const results = [];
const started = Date.now();

async function work(number) {
  const folder = workplace(number);
  for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
    const { mutated, ...told } = mutant;
    const outcome = await judge(folder, mutant);
    results.push({ ...told, outcome });
    const seconds = Math.round((Date.now() - started) / 1000);
    console.log(`${seconds}s ${results.length} ${outcome.padEnd(8)} ${told.file}:${told.line} ${told.operator}: ${told.after || '(removed)'}`);
  }
}

await Promise.all(Array.from({ length: Number(options.jobs) }, (_, number) => work(number)));
const tally = (outcome) => results.filter((result) => result.outcome === outcome).length;
const [killed, survived] = [tally('killed'), tally('survived')];
const summary = {
  mutants: killed + survived,
  killed,
  generated: every.length,
  survivors: results.filter(({ outcome }) => outcome === 'survived'),
};
mkdirSync(dirname(RESULT), { recursive: true });
writeFileSync(RESULT, `${JSON.stringify(summary, null, 2)}\n`);
console.log(`${killed} of ${killed + survived} mutants killed (${((100 * killed) / (killed + survived || 1)).toFixed(1)} %), ${tally('invalid')} did not compile; see ${relative(ROOT, RESULT)}`);
