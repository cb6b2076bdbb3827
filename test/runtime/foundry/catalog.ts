// Stands in for Microsoft's catalog, model registry and blob storage, as the core of 1.2.3 asks them. The core is led here by
// HTTPS_PROXY and SSL_CERT_FILE alone: every tunnel that it asks for ends at this server.
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createAuthority, issueCertificate } from '../../controlplane/certificates.ts';
import type { ModelFiles } from '../models/onnxLlama.ts';
import { promptTemplate } from '../models/onnxLlama.ts';

export interface CatalogModel {
  /** Such as tiny-generic-cpu. */
  name: string;
  version: number;
  alias: string;
  device: 'cpu' | 'gpu' | 'npu';
  executionProvider: string;
  files: ModelFiles;
}

export interface CatalogServer {
  /** For HTTPS_PROXY. */
  readonly proxy: string;
  /** PEM, for SSL_CERT_FILE. */
  readonly ca: string;
  /** Of the requests so far: host and path. */
  readonly requests: string[];
  /** What it offers; may be changed. */
  models: CatalogModel[];
  /** Hears requests and answers none. */
  silent: boolean;
  /** Before the answer to a request for a blob is sent. It may end the connection, or change the bytes. */
  onBlob: (name: string, bytes: Buffer, response: ServerResponse) => Promise<Buffer | undefined> | Buffer | undefined;
  close(): Promise<void>;
}

const hosts = ['ai.azure.com', 'api.catalog.azureml.ms', '*.api.azureml.ms', '*.blob.core.windows.net', 'azureml.ms'];
const storage = 'https://tiny.blob.core.windows.net';

const assetOf = ({ name, version }: CatalogModel) => `azureml://registries/azureml/models/${name}/versions/${version}`;

function entityOf(model: CatalogModel) {
  const { name, version, alias, device, executionProvider, files } = model;
  const assetId = assetOf(model);
  return {
    assetId,
    entityId: assetId,
    version: `${version}`,
    kind: 'Versioned',
    type: 'models',
    annotations: {
      name,
      tags: {
        alias,
        foundryLocal: '',
        task: 'chat-completion',
        license: 'MIT',
        licenseDescription: 'test',
        author: 'Test',
        directoryPath: '',
        supportsToolCalling: 'false',
        promptTemplate: JSON.stringify(promptTemplate),
      },
      systemCatalogData: { publisher: 'Microsoft', displayName: name, maxOutputTokens: 512 },
    },
    properties: {
      id: `${name}:${version}`,
      name,
      version,
      alphanumericVersion: `${version}`,
      minFLVersion: '0.0.1',
      creationContext: { createdTime: '2026-01-01T00:00:00Z' },
      variantInfo: {
        parents: [{ assetId: `azureml://registries/azureml/models/${alias}/versions/1` }],
        variantMetadata: {
          modelType: 'ONNX',
          device,
          executionProvider,
          fileSizeBytes: Object.values(files).reduce((sum, { length }) => sum + length, 0),
        },
      },
    },
  };
}

/** https://learn.microsoft.com/rest/api/storageservices/list-blobs */
function listing(files: ModelFiles): string {
  const blobs = Object.entries(files).map(
    ([name, { length }]) =>
      `<Blob><Name>v1/${name}</Name><Properties><Last-Modified>Thu, 01 Jan 2026 00:00:00 GMT</Last-Modified><Etag>0x1</Etag>` +
      `<Content-Length>${length}</Content-Length><Content-Type>application/octet-stream</Content-Type>` +
      '<BlobType>BlockBlob</BlobType></Properties></Blob>',
  );
  return (
    '<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://tiny/" ContainerName="c">' +
    `<Blobs>${blobs.join('')}</Blobs><NextMarker/></EnumerationResults>`
  );
}

const blobHeaders = {
  'content-type': 'application/octet-stream',
  etag: '"0x1"',
  'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
  'x-ms-blob-type': 'BlockBlob',
  'accept-ranges': 'bytes',
  'x-ms-version': '2021-08-06',
  'x-ms-request-id': '0',
  'x-ms-server-encrypted': 'true',
  'x-ms-lease-state': 'available',
  'x-ms-lease-status': 'unlocked',
  'x-ms-creation-time': 'Thu, 01 Jan 2026 00:00:00 GMT',
};

function sendJson(response: ServerResponse, content: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', 'azureml-served-by-cluster': 'vienna-eastus-01' });
  response.end(JSON.stringify(content));
}

function sendBlob({ method, headers }: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const asked = /bytes=(\d+)-(\d*)/.exec(`${headers['x-ms-range'] ?? headers.range ?? ''}`);
  const from = Number(asked?.[1] ?? 0);
  const to = Math.min(asked?.[2] ? Number(asked[2]) : bytes.length - 1, bytes.length - 1);
  response.writeHead(asked ? 206 : 200, {
    ...blobHeaders,
    'content-length': to - from + 1,
    ...(asked && { 'content-range': `bytes ${from}-${to}/${bytes.length}` }),
  });
  response.end(method === 'HEAD' ? undefined : bytes.subarray(from, to + 1));
}

const empty = { totalCount: 0, nextSkip: null, continuationToken: null };
const noTrouble = { regionalErrors: {}, resourceSkipReasons: {}, shardErrors: {} };

export async function startCatalog(models: CatalogModel[]): Promise<CatalogServer> {
  const authority = createAuthority('test catalog', Date.now());
  const pair = issueCertificate(authority, { commonName: 'catalog', dnsNames: hosts }, Date.now());

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `https://${request.headers.host}`);
    server.requests.push(`${request.method} ${url.host}${url.pathname}`);
    if (server.silent) return;
    for await (const _ of request); // what is asked for is always the same
    if (request.method === 'POST') {
      const value = server.models.map(entityOf);
      return sendJson(response, { indexEntitiesResponse: { ...empty, totalCount: value.length, value }, ...noTrouble });
    }
    if (url.pathname.includes('/modelregistry/')) {
      const asset = url.searchParams.get('assetId');
      const index = server.models.findIndex((model) => assetOf(model) === asset);
      return sendJson(response, { blobSasUri: `${storage}/c${index}?sig=x`, modelEntity: { description: 'tiny' } });
    }
    const [, container, name] = /^\/c(\d+)(?:\/v1\/(.*))?$/.exec(decodeURIComponent(url.pathname)) ?? [];
    const files = server.models[Number(container)]?.files;
    if (files && name === undefined)
      return void response.setHeader('content-type', 'application/xml').end(listing(files));
    const bytes = files?.[name ?? ''];
    if (!bytes) return void response.writeHead(404).end();
    const sent = await server.onBlob(name ?? '', bytes, response);
    if (sent) sendBlob(request, response, sent);
  }

  const handle = (request: IncomingMessage, response: ServerResponse) =>
    void answer(request, response).catch(() => response.destroy());
  const tls = createTlsServer(pair, handle).on('tlsClientError', () => undefined);
  const door = createHttpServer((_, response) => void response.writeHead(404).end());
  const tunnels = new Set<Duplex>();
  door.on('connect', (_request, socket) => {
    tunnels.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => tunnels.delete(socket));
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    tls.emit('connection', socket);
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const server: CatalogServer = {
    proxy: `http://127.0.0.1:${(door.address() as AddressInfo).port}`,
    ca: authority.cert,
    requests: [],
    models,
    silent: false,
    onBlob: (_, bytes) => bytes,
    async close() {
      for (const tunnel of tunnels) tunnel.destroy();
      door.closeAllConnections();
      await new Promise((resolve) => door.close(resolve));
    },
  };
  return server;
}
