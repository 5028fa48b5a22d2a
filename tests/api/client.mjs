// The loops of clients in use, with Node's own fetch: all pages of a list, and what fetch makes of
// an error. Usage: node client.mjs BASE_URL PATH SIZE_NAME SIZE (the token in FISHPLATE_TOKEN);
// prints one JSON object. NODE_EXTRA_CA_CERTS names the certificate to trust.
// SPDX-License-Identifier: Apache-2.0

const [base, path, sizeName, size] = process.argv.slice(2);
const headers = {
  Authorization: `Bearer ${process.env.FISHPLATE_TOKEN}`,
  Accept: "application/json, text/plain, */*",
  "User-Agent": "axios/1.7.7",
};

async function page(number) {
  const url = new URL(path, base);
  url.searchParams.set("page", String(number));
  url.searchParams.set(sizeName, size);
  const answer = await fetch(url, { headers });
  return { status: answer.status, id: answer.headers.get("x-request-id"), body: await answer.json() };
}

const records = [];
let number = 1;
let last;
do {
  const answer = await page(number);
  if (answer.status !== 200) {
    console.log(JSON.stringify({ status: answer.status, id: answer.id, error: answer.body }));
    process.exit(0);
  }
  records.push(...answer.body.data);
  last = answer.body.meta.last_page;
  number += 1;
} while (number <= last);
console.log(JSON.stringify({ status: 200, pages: last, records }));
