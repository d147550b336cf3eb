// The client against a live server over a network in which everything has happened once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ProblemError, createClient, follow, rows } from '../dist/index.js';
import { startServer } from '../../../tools/lived.mjs';

let server;
let client;

before(async () => {
  server = await startServer();
  client = createClient(server.url);
});

after(() => server?.stop());

test('an answer is typed and names its block', async () => {
  const { data } = await client.GET('/v1/network/summary', { params: { query: { finalized: false } } });
  assert.ok(data.as_of.block_number > 0);
  assert.ok(data.data.operators.registered > 0);
});

test('rows come page by page, each once', async () => {
  const ids = new Set();
  let count = 0;
  for await (const operator of rows(client, '/v1/operators', { query: { limit: 3 } })) {
    ids.add(operator.id);
    count += 1;
  }
  const { data } = await client.GET('/v1/operators', { params: { query: { limit: 200 } } });
  assert.equal(count, data.data.length);
  assert.equal(ids.size, count);
  const flows = rows(client, '/v1/operators/{id}/flows', { path: { id: [...ids][0] }, query: { finalized: false } });
  const { value } = await flows.next();
  assert.match(value.amount.amount, /^[0-9]+$/);
});

test('a refused request throws the problem that names the parameter', async () => {
  await assert.rejects(client.GET('/v1/operators', { params: { query: { limit: 0 } } }), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 422);
    assert.equal(error.problem.parameter, 'limit');
    return true;
  });
});

test('the stream tells everything from the start, and goes on after an id', async () => {
  const stop = new AbortController();
  const told = [];
  for await (const event of follow(server.url, { after: '0:0', types: ['slash', 'period'], signal: stop.signal })) {
    told.push(event);
    if (event.message.type === 'head') break;
  }
  const slashes = told.filter(({ message }) => message.type === 'slash');
  assert.ok(slashes.length > 0);
  for await (const event of follow(server.url, { after: slashes[0].id, types: ['slash'], signal: stop.signal })) {
    assert.deepEqual(event.message, (slashes[1] ?? event).message);
    break;
  }
  stop.abort();
});
