import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createDirectReader } from '../../src/operator/gatewayDirect.ts';
import type { GatewayReader } from '../../src/operator/gatewayReader.ts';
import type { Clock } from '../../src/process/clock.ts';
import { gatewayDocument } from '../unit/operator/gatewayDocument.ts';
import { pod } from '../unit/operator/observation.ts';
import { createVirtualClock } from '../unit/virtualClock.ts';
import { answering, type GatewayScript, type GatewayServer, startGateway } from './gatewayServer.ts';

const POD = pod({ revision: 'r' });
const never = new AbortController().signal;
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

interface Given {
  gateway: GatewayServer;
  reader: GatewayReader;
  clock: ReturnType<typeof createVirtualClock>;
}

async function given(script: GatewayScript): Promise<Given> {
  const gateway = await startGateway(script);
  const clock = createVirtualClock();
  const reader = readerOf(gateway.origin, clock);
  ends.push(gateway.close);
  return { gateway, reader, clock };
}

function readerOf(origin: string | undefined, clock: Clock): GatewayReader {
  const reader = createDirectReader({ clock, addressOf: () => origin });
  ends.push(reader.close);
  return reader;
}

/** What the read comes to: the document, or the reason why not. */
const outcome = (read: Promise<unknown>): Promise<unknown> => read.catch((error) => error.reason ?? error);

/** Once the question has arrived, the deadline passes. */
async function untilDeadline({ gateway, reader, clock }: Given): Promise<unknown> {
  const read = outcome(reader.read(POD, never));
  await clock.until(() => gateway.requests.length > 0);
  await clock.advance(2_000);
  return read;
}

const headersOnly: GatewayScript = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
};

describe('a gateway read from its pod', () => {
  test('is asked for /status and nothing else, on a connection that is closed again', async () => {
    const { gateway, reader, clock } = await given(answering(gatewayDocument('r')));
    expect(await reader.read(POD, never)).toEqual(gatewayDocument('r'));
    expect(gateway.requests).toEqual(['GET /status']);
    await clock.until(() => gateway.openConnections === 0);
    expect(clock.pending).toBe(0);
  });

  test.each<[string, GatewayScript]>([
    ['says nothing', () => undefined],
    ['sends headers and no body', headersOnly],
    [
      'sends a byte and then nothing',
      (request, response) => {
        headersOnly(request, response);
        response.write('{');
      },
    ],
  ])('that %s is given up after two seconds', async (_title, script) => {
    const one = await given(script);
    expect(await untilDeadline(one)).toBe('Timeout');
    await one.clock.until(() => one.gateway.openConnections === 0);
  });

  test('that sends without end is cut off at 64 KiB', async () => {
    let sent = 0;
    const { gateway, reader, clock } = await given((request, response) => {
      headersOnly(request, response);
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(16_384))) sent += 16_384;
      };
      response.on('drain', more);
      more();
    });
    expect(await outcome(reader.read(POD, never))).toBe('TooLarge');
    await clock.until(() => gateway.openConnections === 0);
    expect(sent).toBeGreaterThan(0);
  });

  test('that announces a body without end is cut off as well', async () => {
    const { reader } = await given((_request, response) => {
      response.writeHead(200, { 'content-length': String(10 * 1024 ** 3) });
      response.write('x'.repeat(200_000));
    });
    expect(await outcome(reader.read(POD, never))).toBe('TooLarge');
  });

  test.each<[string, GatewayScript, unknown]>([
    ['HTML', (_q, response) => response.end('<html>'), 'NoStatus'],
    ['half a JSON', (_q, response) => response.end('{"schema":1,'), 'NoStatus'],
    ['nothing', (_q, response) => response.end(), 'NoStatus'],
    ['404', answering({}, 404), 'Refused'],
    ['500', answering(gatewayDocument('r'), 500), 'Refused'],
    ['204', (_q, response) => response.writeHead(204).end(), 'Refused'],
    ['a cut', (_q, response) => response.destroy(), 'Unreachable'],
    ['no HTTP', (_q, response) => response.socket?.end('SSH-2.0-OpenSSH_9.9\r\n'), 'Unreachable'],
    [
      'headers without end',
      (_q, response) => response.writeHead(200, { 'x-padding': 'x'.repeat(15_000) }).end('{}'),
      'Unreachable',
    ],
  ])('that answers with %s is not read', async (_title, script, reason) => {
    const { reader } = await given(script);
    expect(await outcome(reader.read(POD, never))).toBe(reason);
  });

  test.each([301, 302, 307, 308])('that answers %d leads nowhere else', async (status) => {
    const other = await startGateway(answering(gatewayDocument('r')));
    ends.push(other.close);
    const { reader } = await given((_request, response) => {
      response.writeHead(status, { location: `${other.origin}/status` }).end();
    });
    expect(await outcome(reader.read(POD, never))).toBe('Refused');
    expect(other.requests).toEqual([]);
  });

  test('that is not there refuses', async () => {
    const closed = createServer();
    const port = await new Promise<number>((resolve) =>
      closed.listen(0, '127.0.0.1', () => resolve((closed.address() as { port: number }).port)),
    );
    await new Promise((resolve) => closed.close(resolve));
    const reader = readerOf(`http://127.0.0.1:${port}`, createVirtualClock());
    expect(await outcome(reader.read(POD, never))).toBe('Unreachable');
  });

  test('without an address is not asked', async () => {
    expect(await outcome(readerOf(undefined, createVirtualClock()).read(POD, never))).toBe('NoAddress');
  });

  test('is not asked through a proxy', async () => {
    const proxy = await startGateway(answering({}));
    ends.push(proxy.close);
    const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
    const before = names.map((name) => [name, process.env[name]] as const);
    for (const name of names) process.env[name] = name.startsWith('NODE') ? '1' : proxy.origin;
    try {
      const { gateway, reader } = await given(answering(gatewayDocument('r')));
      expect(await reader.read(POD, never)).toEqual(gatewayDocument('r'));
      expect(gateway.requests).toHaveLength(1);
      expect(proxy.requests).toEqual([]);
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  test('is no longer waited for once the caller stops', async () => {
    const { gateway, reader, clock } = await given(() => undefined);
    const stopping = new AbortController();
    const read = outcome(reader.read(POD, stopping.signal));
    await clock.until(() => gateway.requests.length > 0);
    stopping.abort('stopped');
    expect(await read).toBe('stopped');
    expect(clock.pending).toBe(0);
    await clock.until(() => gateway.openConnections === 0);
  });

  test('is read after it could not be, again and again', async () => {
    const { gateway, reader } = await given(answering(gatewayDocument('r')));
    const scripts = [answering({}, 500), answering(gatewayDocument('r'))];
    const seen: unknown[] = [];
    for (let turn = 0; turn < 20; turn++) {
      gateway.script = scripts[turn % 2] as GatewayScript;
      seen.push(await outcome(reader.read(POD, never)));
    }
    expect(seen.filter((one) => one === 'Refused')).toHaveLength(10);
    expect(seen.filter((one) => typeof one === 'object')).toHaveLength(10);
  });
});
