/** Typed client of the Plumbline API: every path and every answer, checked against the API's own document. */
import createFetchClient, { type Client as FetchClient, type ClientOptions } from 'openapi-fetch';
import type { components, paths } from './schema.js';

export type { components, operations, paths } from './schema.js';

type Schemas = components['schemas'];
export type Problem = Schemas['Problem'];
/** What the stream tells, by its `type`. */
export type Message = Schemas['StreamMessage'];
export type Client = FetchClient<paths>;

/** What a refused request is answered with. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly status: number,
    readonly problem: Problem,
    /** Seconds after which to ask again, where waiting helps. */
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(`${problem.title}: ${problem.detail}`);
  }
}

async function problem(response: Response): Promise<ProblemError> {
  const text = await response.text();
  const wait = response.headers.get('retry-after');
  let body: Problem;
  try {
    body = JSON.parse(text) as Problem;
  } catch {
    body = { type: 'about:blank', title: response.statusText, status: response.status, detail: text };
  }
  return new ProblemError(response.status, body, wait === null ? undefined : Number(wait));
}

/** A client whose requests throw a `ProblemError` when they are refused. */
export function createClient(baseUrl: string, options: Omit<ClientOptions, 'baseUrl'> = {}): Client {
  const client = createFetchClient<paths>({ ...options, baseUrl });
  client.use({
    async onResponse({ response }) {
      if (!response.ok && response.status !== 304) throw await problem(response);
    },
  });
  return client;
}

type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

/** Paths that answer with a list, page by page. */
export type ListPath = {
  [P in keyof paths]: paths[P] extends { get: { parameters: { query?: { cursor?: unknown } } } }
    ? Answer<P> extends { data: readonly unknown[] }
      ? P
      : never
    : never;
}[keyof paths];

/** A row of a list. */
export type Row<P extends ListPath> = Answer<P> extends { data: readonly (infer Item)[] } ? Item : never;

type Get<P extends keyof paths> = paths[P] extends { get: { parameters: infer Parameters } } ? Parameters : never;

/** Every row of a list, all of them as of the block of the first page. */
export async function* rows<P extends ListPath>(
  client: Client,
  path: P,
  parameters: Pick<Get<P>, Extract<'path' | 'query', keyof Get<P>>>,
): AsyncGenerator<Row<P>, void, undefined> {
  const { path: inPath, query } = parameters as { path?: object; query?: object };
  const get = client.GET as unknown as (
    path: P,
    init: object,
  ) => Promise<{ data: { data: Row<P>[]; next_cursor: string | null } }>;
  let cursor: string | null = null;
  do {
    const { data } = await get(path, { params: { path: inPath, query: { ...query, ...(cursor && { cursor }) } } });
    yield* data.data;
    cursor = data.next_cursor;
  } while (cursor !== null);
}

export interface FollowOptions {
  types?: Exclude<Message['type'], 'head' | 'reorg'>[];
  operator?: string;
  /** Only what can no longer be taken back. */
  finalized?: boolean;
  /** Id of the last event that was read. */
  after?: string;
  signal?: AbortSignal;
}

/** An event, and the id to go on after once it was handled; a log of several messages has it on the last. */
export interface Told {
  id: string | undefined;
  message: Message;
}

/**
 * What happens, as it happens. Comes back by itself when the connection is lost, and is told what it missed. On `reorg`
 * forget what was told of blocks above its `block_number`.
 */
export async function* follow(baseUrl: string, options: FollowOptions = {}): AsyncGenerator<Told, void, undefined> {
  const { types, operator, finalized, signal } = options;
  const url = new URL('/v1/stream', baseUrl);
  if (types) url.searchParams.set('types', types.join(','));
  if (operator) url.searchParams.set('operator', operator);
  if (finalized) url.searchParams.set('finalized', 'true');
  let after = options.after;
  while (!signal?.aborted) {
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream' };
      if (after) headers['last-event-id'] = after;
      const response = await fetch(url, { headers, ...(signal && { signal }) });
      if (!response.ok || !response.body) throw await problem(response);
      for await (const told of messages(response.body)) {
        after = told.id ?? after;
        yield told;
      }
    } catch (error) {
      if (signal?.aborted) return;
      // A request that is wrong stays wrong.
      if (error instanceof ProblemError && error.status < 500 && error.status !== 429) throw error;
      const seconds = (error instanceof ProblemError && error.retryAfterSeconds) || 2;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
}

async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<Told, void, undefined> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string) =>
          block
            .split('\n')
            .find((line) => line.startsWith(`${name}:`))
            ?.slice(name.length + 1)
            .trim();
        const data = field('data');
        if (data !== undefined) yield { id: field('id'), message: JSON.parse(data) as Message };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
