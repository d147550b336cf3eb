// Starts a server over a network in which everything has happened once (api/examples/lived.rs).
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');

/** Gives the server's address and what ends it; it ends with this process, too. */
export async function startServer() {
  // The whole workspace, so that nothing is built twice with other features.
  const build = spawnSync('cargo', ['build', '--quiet', '--workspace', '--example', 'lived'], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (build.status !== 0) throw new Error('the example `lived` does not build');
  const child = spawn(join(TARGET, 'debug', 'examples', 'lived'), { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await Promise.race([lines.next(), ended.then((code) => ({ code }))]);
  if (!first.value?.startsWith('http://')) throw new Error(`the server ended early: ${JSON.stringify(first)}`);
  return {
    url: first.value,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
