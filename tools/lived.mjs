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
  const url = await Promise.race([address(child.stdout), ended.then(() => undefined)]);
  if (url === undefined) throw new Error('the server ended before it listened; what it says above tells why');
  return {
    url,
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** The address among what a server logs; what comes after it is read on, so that the pipe never fills. */
function address(output) {
  return new Promise((resolve) => {
    createInterface({ input: output }).on('line', (line) => {
      if (line.startsWith('http://')) resolve(line);
    });
  });
}
