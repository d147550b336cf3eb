#!/usr/bin/env node
// Mutation test of the contracts: changes one thing in contracts/src at a time and asks whether a test notices.
//
//   node tools/mutate.mjs [--only NAME] [--sample N] [--again]
//
// Every outcome goes into a journal, so that an interrupted run is taken up where it ended; `--again` judges survivors
// anew, after tests were written for them. Writes target/bench/mutation.json after every mutant. A mutant that does not
// compile, or compiles to the bytecode of the original, is none.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { grouped, mutants } from './mutation/mutants.mjs';
import { Workplace } from './mutation/workplace.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const WORK = join(ROOT, 'target/mutation');
const JOURNAL = join(WORK, 'journal.jsonl');
const RESULT = join(ROOT, 'target/bench/mutation.json');

/** Few runs: what they kill is killed by more, too. */
const FEW = { FOUNDRY_FUZZ_RUNS: '16', FOUNDRY_INVARIANT_RUNS: '4', FOUNDRY_INVARIANT_DEPTH: '64' };
/** As in `make test`. */
const MANY = {};

/** The tests named after it first, because they are the likeliest to notice; then all; invariants last, because they are slow. */
const stages = ({ file }) => [
  [['--match-path', `contracts/test/**/${basename(file, '.sol')}*.sol`], FEW],
  [['--no-match-path', 'contracts/test/{gas,invariant}/*'], FEW],
  [['--match-path', 'contracts/test/invariant/*'], FEW],
  [['--no-match-path', 'contracts/test/{gas,invariant}/*'], MANY],
];

async function judge(workplace, mutant) {
  const nothing = workplace.install(mutant);
  if (nothing) return nothing;
  try {
    for (const [args, env] of stages(mutant)) {
      if ((await workplace.test(args, env)) === 'failed') return 'killed';
    }
    return 'survived';
  } finally {
    workplace.restore(mutant);
  }
}

/** What earlier runs found out, by mutant; the later word counts. */
function readJournal() {
  if (!existsSync(JOURNAL)) return new Map();
  const lines = readFileSync(JOURNAL, 'utf8').split('\n').filter(Boolean);
  return new Map(lines.map((line) => JSON.parse(line)).map(({ key, outcome }) => [key, outcome]));
}

function summarize(all, outcomes) {
  const judged = all.filter(({ key }) => outcomes.has(key));
  const of = (outcome) => judged.filter(({ key }) => outcomes.get(key) === outcome);
  const [killed, survivors] = [of('killed').length, of('survived')];
  const told = ({ file, line, operator, before, after }) => ({ file, line, operator, before, after });
  const summary = {
    mutants: killed + survivors.length,
    killed,
    generated: all.length,
    judged: judged.length,
    invalid: of('invalid').length,
    equal: of('equal').length,
    files: Object.fromEntries(
      [...grouped(judged, ({ file }) => file)].sort().map(([file, found]) => {
        const count = (outcome) => found.filter(({ key }) => outcomes.get(key) === outcome).length;
        const generated = all.filter((mutant) => mutant.file === file).length;
        return [file, { mutants: count('killed') + count('survived'), killed: count('killed'), judged: found.length, generated }];
      }),
    ),
    survivors: survivors.map(told),
  };
  mkdirSync(dirname(RESULT), { recursive: true });
  writeFileSync(RESULT, `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, sample: { type: 'string' }, again: { type: 'boolean', default: false } },
});
const all = mutants(ROOT);
const chosen = mutants(ROOT, options.only).slice(0, Number(options.sample ?? Infinity));
const outcomes = readJournal();
const isOpen = ({ key }) => !outcomes.has(key) || (options.again && outcomes.get(key) === 'survived');
const queue = chosen.filter(isOpen);
console.log(`${queue.length} of ${chosen.length} mutants to judge, of ${all.length} in all`);

const workplace = new Workplace(ROOT, WORK);
const untouched = await workplace.test(['--no-match-path', 'contracts/test/{gas,invariant}/*'], FEW);
if (untouched !== 'passed') throw new Error('the tests do not pass on the contracts as they are');

const started = Date.now();
for (const mutant of queue) {
  const outcome = await judge(workplace, mutant);
  outcomes.set(mutant.key, outcome);
  const { key, file, line, operator, before, after } = mutant;
  appendFileSync(JOURNAL, `${JSON.stringify({ key, outcome, file, line, operator, before, after })}\n`);
  const { mutants: count, killed } = summarize(all, outcomes);
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`${seconds}s ${killed}/${count} ${outcome.padEnd(8)} ${file}:${line} ${operator}: ${after || '(removed)'}`);
}
const { mutants: count, killed } = summarize(all, outcomes);
console.log(`${killed} of ${count} mutants killed (${((100 * killed) / (count || 1)).toFixed(1)} %); see target/bench/mutation.json`);
