// The unified list of products done the usual way: Fastify over TLS, undici with a kept-alive pool,
// JSON.parse, a mapping by hand, JSON.stringify. It sends the very calls that Fishplate sends to the
// same source and must answer the same document; tools/bench.py checks that before it measures.
// SPDX-License-Identifier: Apache-2.0
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import { Pool } from 'undici';
import { product } from './product.mjs';

const env = process.env;
const certificate = readFileSync(env.CERTIFICATE);
const expected = Buffer.from(env.TOKEN_SHA256, 'hex');
const calls = JSON.parse(readFileSync(env.CALLS, 'utf8'));
const source = new Pool(env.UPSTREAM, { connections: 64, connect: { ca: certificate } });

async function call(body) {
  const answer = await source.request({
    path: '/erp/', method: 'POST', body,
    headers: { 'content-type': 'application/json', authorization: 'Session c2Vzc2lvbg==' },
  });
  const document = await answer.body.json();
  if (document.error !== undefined) {
    throw new Error(`source: ${JSON.stringify(document.error)}`);
  }
  return document.result;
}

function authorized(header) {
  if (typeof header !== 'string' || !header.startsWith('Bearer ')) {
    return false;
  }
  const hash = createHash('sha256').update(header.slice(7)).digest();
  return timingSafeEqual(hash, expected);
}

const app = Fastify({
  logger: false,
  https: { cert: certificate, key: readFileSync(env.KEY), minVersion: 'TLSv1.3' },
  keepAliveTimeout: 300000,
});

app.get('/api/erp/products', async (request, reply) => {
  if (!authorized(request.headers.authorization)) {
    return reply.code(401).send({ message: 'Unauthenticated.' });
  }
  const results = await Promise.all(calls.map(call));
  const total = results.find((result) => typeof result === 'number');
  const rows = results.find((result) => Array.isArray(result));
  const page = Number(request.query.page ?? 1);
  const perPage = Number(request.query.per_page ?? 25);
  const last = Math.max(1, Math.ceil(total / perPage));
  const path = `${env.PUBLIC_URL}/api/erp/products`;
  const link = (number) => `${path}?per_page=${perPage}&page=${number}`;
  const from = (page - 1) * perPage + 1;
  return {
    data: rows.map(product),
    links: {
      first: link(1), last: link(last),
      prev: page > 1 ? link(page - 1) : null, next: page < last ? link(page + 1) : null,
    },
    meta: {
      current_page: page, from: rows.length ? from : null, last_page: last, path,
      per_page: perPage, to: rows.length ? from + rows.length - 1 : null, total,
    },
  };
});

await app.listen({ host: '127.0.0.1', port: Number(env.PORT) });
