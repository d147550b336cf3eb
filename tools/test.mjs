#!/usr/bin/env node
// Runs the tests of every language, or of those named, and ends with one line: `N passed, N failed`.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const JS_FOLDERS = ['clients/typescript/test', 'contracts/test/js', 'tools/test'];

/** Runs a command, passes its output on as it comes, and gives its exit code and that output without colours. */
function run(command, args, { env = {}, quiet = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const [from, to] of [[child.stdout, process.stdout], [child.stderr, process.stderr]]) {
      from.setEncoding('utf8');
      from.on('data', (text) => {
        output += text;
        if (!quiet) to.write(text);
      });
    }
    child.on('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: output.replace(/\x1b\[[0-9;]*m/g, '') }));
  });
}

/** Adds up what every match of the pattern counts in its groups `passed`, `failed` and `skipped`. */
function count(output, pattern) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { groups } of output.matchAll(pattern)) {
    for (const name of Object.keys(total)) total[name] += Number(groups[name] ?? 0);
  }
  return total;
}

function jsTests() {
  return JS_FOLDERS.flatMap((folder) => {
    try {
      return readdirSync(join(ROOT, folder), { recursive: true })
        .filter((file) => file.endsWith('.test.mjs'))
        .map((file) => join(folder, file));
    } catch (error) {
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  });
}

/** Each builds first, beside the others, and then tests alone, so that nothing else takes its time. */
const RUNNERS = {
  forge: {
    // The contracts that ship first: the tests deploy those.
    build: async () => {
      const shipped = await run('node', ['tools/abi.mjs', '--compile'], { quiet: true });
      return shipped.code === 0 ? run('tools/forge', ['build'], { quiet: true }) : shipped;
    },
    test: () => run('tools/forge', ['test'], { env: { PLUMBLINE_RELEASE: 'true', FORGE_SNAPSHOT_CHECK: 'true' } }),
    counts: (output) =>
      count(output, /^Ran \d+ test suites? in .*: (?<passed>\d+) tests passed, (?<failed>\d+) failed, (?<skipped>\d+) skipped/gm),
  },
  cargo: {
    build: () => run('cargo', ['test', '--workspace', '--no-run']),
    test: () => run('cargo', ['test', '--workspace', '--no-fail-fast']),
    counts: (output) =>
      count(output, /^test result: .*? (?<passed>\d+) passed; (?<failed>\d+) failed; (?<skipped>\d+) ignored/gm),
  },
  node: {
    build: () => run('node_modules/.bin/tsc', ['--project', 'clients/typescript'], { quiet: true }),
    test: () => run('node', ['--test', '--test-reporter=spec', ...jsTests()]),
    counts: (output) => ({
      ...count(output, /^ℹ (?:pass (?<passed>\d+)|fail (?<failed>\d+)|(?:skipped|todo) (?<skipped>\d+))$/gm),
    }),
  },
};

function title(text) {
  console.log(`\n== ${text}`);
}

async function build(names) {
  title(`build: ${names.join(', ')}`);
  const broken = new Set();
  await Promise.all(
    names.map(async (name) => {
      const started = Date.now();
      const { code, output } = await RUNNERS[name].build();
      const seconds = Math.round((Date.now() - started) / 1000);
      console.log(`-- ${name}: ${code === 0 ? 'built' : 'DOES NOT BUILD'} (${seconds}s)`);
      if (code !== 0) {
        broken.add(name);
        if (name !== 'cargo') process.stderr.write(output);
      }
    }),
  );
  return broken;
}

/** What a runner's tests came to; one that ends badly or runs nothing counts as one failure. */
async function test(name) {
  title(`test: ${name}`);
  const { code, output } = await RUNNERS[name].test();
  const counts = RUNNERS[name].counts(output);
  if (code === 0 && counts.passed + counts.failed === 0) {
    console.error(`-- ${name} ran no tests`);
    counts.failed = 1;
  } else if (code !== 0 && counts.failed === 0) {
    console.error(`-- ${name} ended with code ${code} for another reason than a failed test: see above`);
    counts.failed = 1;
  }
  return counts;
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(RUNNERS);
const unknown = names.filter((name) => !(name in RUNNERS));
if (unknown.length > 0) {
  console.error(`no such runner: ${unknown.join(', ')}; there are ${Object.keys(RUNNERS).join(', ')}`);
  process.exit(2);
}

const broken = await build(names);
const total = { passed: 0, failed: broken.size, skipped: 0 };
for (const name of names.filter((name) => !broken.has(name))) {
  const counts = await test(name);
  for (const key of Object.keys(total)) total[key] += counts[key];
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;
