#!/usr/bin/env node
// Has schemathesis ask a live server everything that the API's document allows, and much that it does not.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from './lived.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const EXAMPLES = process.env.EXAMPLES ?? '20';

const server = await startServer();
try {
  const asked = spawn(
    join(ROOT, 'target', 'schemathesis', 'bin', 'schemathesis'),
    ['--config-file', join(ROOT, 'tools', 'schemathesis.toml'), 'run', `${server.url}/openapi.json`,
      '--max-examples', EXAMPLES, ...process.argv.slice(2)],
    { cwd: join(ROOT, 'target'), stdio: 'inherit' },
  );
  process.exitCode = await new Promise((resolve) => asked.once('close', (code) => resolve(code ?? 1)));
} finally {
  await server.stop();
}
