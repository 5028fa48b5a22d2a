// Reads a line of JSON for each delivery, {"secret", "headers", "body"}, and writes "good" or why not, as
// a receiver would say who uses the library of Standard Webhooks.
// SPDX-License-Identifier: Apache-2.0
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new Webhook(secret).verify(body, headers);
    console.log("good");
  } catch (error) {
    console.log(error.message);
  }
}
