#!/usr/bin/env node
// Compiles the contracts that ship and writes contracts/abi/<Contract>.json from them. With --check it only compares, with
// --compile it leaves it at compiling.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = 'contracts/src';
const TARGET = 'contracts/abi';
const ARTIFACTS = 'target/forge/release/out';
// Deployed beside ours, but not ours.
const DEPENDENCIES = ['node_modules/@openzeppelin/contracts/access/manager/AccessManager.sol'];
// Stand for another network's contracts in the tests of its source.
const STAND_INS = ['EnclaveOwner', 'EnclaveRegistry', 'SettlementRelay'].map(
  (name) => `contracts/test/opengradient/${name}.sol`,
);

function build() {
  const result = spawnSync('tools/forge', ['build', SOURCES, ...DEPENDENCIES, ...STAND_INS], {
    cwd: ROOT,
    env: { ...process.env, FOUNDRY_PROFILE: 'release' },
    encoding: 'utf8',
  });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    process.stderr.write(result.stdout + result.stderr);
    process.exit(1);
  }
}

/** The contracts by file name: interfaces and libraries live in folders of their own. */
function contracts() {
  return [...readdirSync(join(ROOT, SOURCES)), ...[...DEPENDENCIES, ...STAND_INS].map((path) => basename(path))]
    .filter((name) => name.endsWith('.sol'))
    .map((name) => basename(name, '.sol'))
    .sort();
}

/** One JSON document; the bytecode stays on one line, so that a review shows it as one. */
function render(name) {
  const artifact = JSON.parse(readFileSync(join(ROOT, ARTIFACTS, `${name}.sol`, `${name}.json`), 'utf8'));
  const bytecode = artifact.bytecode.object;
  if (!/^0x[0-9a-f]+$/.test(bytecode)) throw new Error(`${name} has no bytecode, or needs linking`);
  return `${JSON.stringify({ contractName: name, abi: artifact.abi, bytecode }, null, 2)}\n`;
}

function committed(file) {
  try {
    return readFileSync(join(ROOT, TARGET, file), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

build();
if (process.argv.includes('--compile')) process.exit(0);
const wanted = new Map(contracts().map((name) => [`${name}.json`, render(name)]));
const present = readdirSync(join(ROOT, TARGET)).filter((file) => file.endsWith('.json'));
const removed = present.filter((file) => !wanted.has(file));
const changed = [...wanted].filter(([file, text]) => committed(file) !== text).map(([file]) => file);

if (process.argv.includes('--check')) {
  const stale = [...changed, ...removed];
  if (stale.length > 0) {
    console.error(`stale in ${TARGET}: ${stale.join(', ')}; run \`make abi\` and commit the result`);
    process.exit(1);
  }
  console.log(`${TARGET}: ${wanted.size} files are fresh`);
} else {
  for (const file of changed) writeFileSync(join(ROOT, TARGET, file), wanted.get(file));
  for (const file of removed) rmSync(join(ROOT, TARGET, file));
  console.log(`${TARGET}: ${changed.length} written, ${removed.length} removed, ${wanted.size - changed.length} unchanged`);
}
