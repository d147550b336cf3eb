// The tools keep the promises that forge, make and CI rely on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

function run(tool, args, options = {}) {
  return spawnSync(join(ROOT, 'tools', tool), args, { encoding: 'utf8', ...options });
}

test('solc tells the version that foundry expects', () => {
  const { status, stdout } = run('solc', ['--version']);
  assert.equal(status, 0);
  assert.match(stdout, /^Version: 0\.8\.37\+/m);
});

test('solc compiles what it reads, and gives all of a large answer', () => {
  const functions = Array.from({ length: 500 }, (_, i) => `function f${i}() external {}`).join('\n');
  const input = {
    language: 'Solidity',
    sources: { 'a.sol': { content: `pragma solidity =0.8.37;\ncontract A {\n${functions}\n}` } },
    settings: { outputSelection: { '*': { '*': ['*'], '': ['ast'] } } },
  };
  const { status, stdout } = run('solc', ['--standard-json'], { input: JSON.stringify(input), maxBuffer: 1e9 });
  assert.equal(status, 0);
  assert.ok(stdout.length > 65_536, 'the answer is larger than a pipe');
  assert.equal(Object.keys(JSON.parse(stdout).contracts['a.sol'].A.evm.methodIdentifiers).length, 500);
});

test('solc refuses what it does not know', () => {
  const { status, stderr } = run('solc', ['--bin', 'a.sol']);
  assert.equal(status, 2);
  assert.match(stderr, /unsupported arguments "--bin a\.sol"/);
});

for (const tool of ['forge', 'anvil', 'cast']) {
  test(`${tool} is new enough, from any directory`, () => {
    const { status, stdout, stderr } = run(tool, ['--version'], { cwd: '/' });
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`^${tool} Version: 1\\.`));
  });
}

test('lock files name no registry host', () => {
  assert.doesNotMatch(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'), /"resolved"/);
});

test('every committed ABI is the one of its contract, with bytecode', () => {
  const folder = join(ROOT, 'contracts/abi');
  for (const file of readdirSync(folder)) {
    const { contractName, abi, bytecode } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    assert.equal(`${contractName}.json`, file);
    assert.ok(abi.length > 0);
    assert.match(bytecode, /^0x[0-9a-f]+$/);
  }
});

test('the test command refuses a runner that does not exist', () => {
  const { status, stderr } = run('test.mjs', ['jest']);
  assert.equal(status, 2);
  assert.match(stderr, /no such runner: jest; there are forge, cargo, node/);
});

// forge links tests dynamically: `new` is a cheatcode there, whose expected revert ends the test, and what comes after is never
// run. Behind an external call (`this.create`) the test goes on.
test('no contract test goes on behind a creation that is expected to fail', () => {
  const folder = join(ROOT, 'contracts/test');
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.sol'));
  let expected = 0;
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    const functions = [...text.matchAll(/^ {4}function (\w+)\(([^{;]*)\{\n(.*?)^ {4}\}/gms)];
    const creators = functions
      .filter(([, , head, body]) => /\b(private|internal)\b/.test(head) && /^\s+return new [A-Z]/m.test(body))
      .map(([, name]) => name);
    const creation = new RegExp(`^\\s+(?:\\w+ \\w+ = |\\w+ = )?(?:new [A-Z]\\w*${creators.map((name) => `|${name}`).join('')})\\(`);
    for (const [, name, , body] of functions) {
      const statements = body.split(/(?<=[;{}])\s*\n/);
      statements.forEach((statement, at) => {
        if (!/vm\.expectRevert\(/.test(statement) || !creation.test(`  ${statements[at + 1] ?? ''}`)) return;
        expected += 1;
        const rest = statements.slice(at + 2).filter((text) => text.trim() && !/^[\s}]*$/.test(text));
        // What calls another function may go on behind it.
        assert.ok(name.startsWith('test') && rest.length === 0, `${file}, ${name}: what follows the creation is never run; create by \`this.create(…)\``);
      });
    }
  }
  assert.ok(expected > 5, 'the tests that this is about are found');
});
