// Asking the server. A question that needs the password once more, or a reason, asks the person and
// is sent again.
// SPDX-License-Identifier: Apache-2.0
import { askPassword, askReason } from "./ui.js";

export const session = { data: null, reason: "", lost: () => {} };

export class Problem extends Error {
  constructor(status, body, wait) {
    super(body.message ?? "The server gave no answer.");
    Object.assign(this, { status, code: body.code ?? "NO_ANSWER", next: body.next_step ?? "Check that it runs, then try again.", request: body.request_id ?? "", details: body.details ?? {}, wait });
    this.fields = Object.fromEntries((body.errors ?? []).map((row) => [row.field, row.message ?? row.errors?.join(" ")]));
  }
}

async function once(method, path, fields) {
  const headers = { "X-Fishplate-Console": "1" };
  const options = { method, headers, credentials: "same-origin", redirect: "error", cache: "no-store" };
  if (session.reason) headers["X-Fishplate-Reason"] = encodeURIComponent(session.reason);
  if (method === "POST") {
    headers["Content-Type"] = "application/x-www-form-urlencoded";
    options.body = new URLSearchParams(fields ?? {}).toString();
  }
  const answer = await fetch(`/api${path}`, options).catch(() => null);
  if (!answer) throw new Problem(0, {});
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, body, Number(answer.headers.get("Retry-After")) || 0);
  return body;
}

export async function ask(method, path, fields) {
  for (;;) {
    try {
      return await once(method, path, fields);
    } catch (problem) {
      if (problem.code === "CONFIRMATION_REQUIRED" && (await askPassword((form) => once("POST", "/session/confirm", form)))) continue;
      if (problem.code === "REASON_REQUIRED") {
        const reason = await askReason();
        if (reason) {
          session.reason = reason;
          continue;
        }
      }
      if (problem.code === "SESSION_MISSING" && session.data) session.lost();
      throw problem;
    }
  }
}

export const get = (path, query = {}) => {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined)).toString();
  return ask("GET", text ? `${path}?${text}` : path);
};
export const post = (path, fields) => ask("POST", path, fields);
export const remove = (path) => ask("DELETE", path);
// Whether the role of whoever is signed in has this action, as "POST /operators".
export const may = (action) => session.data?.actions.includes(action) ?? false;
