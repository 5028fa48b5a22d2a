// The audit log: search, one record, and the story of a request.
// SPDX-License-Identifier: Apache-2.0
import { get, may } from "./api.js";
import { h, put } from "./dom.js";
import { badge, number, short, time } from "./format.js";
import { card, copyable, details, empty, heading, table, toolbar } from "./ui.js";

const KINDS = ["credential", "connection", "connect_link", "metadata", "token", "code", "client", "application", "customer", "operator", "key", "vault", "store", "data", "log"];

// Records that are bad news, whatever their own result.
const NEWS = {
  "credential.rejected": "The source system rejected the stored credentials: the caller was told CREDENTIALS_REJECTED, and the customer has to connect the system again.",
  "token.refuse": "The token was refused before anything was done.",
  "token.reuse": "A refresh token or code was shown a second time: all that came of it was revoked.",
  "client.refuse": "The client's secret was wrong.",
};

const link = (record) => {
  for (const [member, path] of [["connection", "connections"], ["customer", "customers"]]) {
    if (record[member]) return h("a", { href: `#/${path}/${record[member]}` }, short(record[member]));
  }
  return record.application ? short(record.application) : "";
};

function detail(record) {
  const rows = Object.entries(record.detail ?? {});
  return rows.length ? h("dl", { class: "inline" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, typeof value === "object" ? JSON.stringify(value) : String(value))))) : "";
}

function result(record) {
  if (NEWS[record.action]) return badge(record.action.split(".")[1], "bad");
  return record.result === undefined ? "" : badge(record.result, record.result === "OK" ? "good" : "bad");
}

// story: of one request; about: with what each is about.
export function recordTable(records, { story = false, about = true } = {}) {
  return table([
    { title: "When", cell: (row) => time(row.time, "", story) },
    { title: "What", cell: (row) => h("span", {}, h("span", { class: "strong" }, row.action), detail(row)), class: "wide" },
    { title: "Result", cell: result },
    { title: "Who", cell: (row) => h("span", {}, row.actor ?? "", row.actor_id ? h("span", { class: "small soft block" }, short(row.actor_id)) : null) },
    about ? { title: "About", cell: link } : null,
    { title: story ? "Record" : "Request", cell: (row) => (row.request_id && !story ? h("a", { href: `#/requests/${row.request_id}` }, short(row.request_id)) : h("span", { class: "soft small" }, row.seq ?? "")) },
  ].filter(Boolean), records, { caption: "Audit records" });
}

export async function audit({ query, go, parts }) {
  put(parts.head, heading("Audit log"), toolbar(query, go, { placeholder: "Any text of a record: an id, an address, a reason", filters: [
    { name: "action", label: "Kind", options: [["", "All kinds"], ...KINDS.map((kind) => [kind, kind.replace("_", " ")])] },
    { name: "result", label: "Result", options: [["", "All results"], ["OK", "Went well"], ["failed", "Refused or failed"]] }] }));
  const found = (await get("/audit", query)).data;
  if (!found.records.length) return empty("No record fits", found.next ? "The newest files of the log have none." : "Search for less, or for another kind.", found.next ? h("button", { type: "button", class: "secondary", on: { click: () => go({ before: String(found.next) }) } }, "Search older files") : null);
  return [recordTable(found.records), h("nav", { class: "pager", "aria-label": "Pages" }, h("p", { class: "soft" }, `${number(found.records.length)} records, the newest first`),
    query.before ? h("button", { type: "button", class: "secondary compact", on: { click: () => go({ before: "" }) } }, "Newest") : null,
    found.next ? h("button", { type: "button", class: "secondary compact", on: { click: () => go({ before: String(found.next) }) } }, "Older") : null)];
}

export async function requests({ go, parts }) {
  put(parts.head, heading("Requests"));
  const input = h("input", { type: "search", id: "search", placeholder: "req_…", autocomplete: "off", spellcheck: "false" });
  const submit = (event) => {
    event.preventDefault();
    if (input.value.trim()) location.hash = `#/requests/${encodeURIComponent(input.value.trim())}`;
  };
  return card("The story of one request", h("p", { class: "soft" }, "Every answer of the API carries X-Request-Id, every error names it in its body. Paste it here: you see who asked, what was decided and recorded, and why."),
    h("form", { class: "toolbar", role: "search", on: { submit } }, h("div", { class: "search" }, h("label", { for: "search" }, "Request id"), input), h("button", { type: "submit", class: "primary" }, "Show")),
    may("GET /audit") ? h("p", {}, h("a", { href: "#/audit?result=failed" }, "Requests that were refused or failed")) : null);
}

function verdict(records) {
  const news = records.map((record) => NEWS[record.action]).filter(Boolean);
  const failed = records.filter((record) => record.result && record.result !== "OK").map((record) => record.result);
  const change = records.find((record) => record.action === "connection.state");
  return { bad: news.length + failed.length > 0, lines: [...new Set(news), failed.length ? `What it came to: ${[...new Set(failed)].join(", ")}.` : null,
    change?.detail?.to ? `The connection became ${change.detail.to.replaceAll("_", " ")}.` : null].filter(Boolean) };
}

export async function request({ key, parts }) {
  put(parts.head, h("p", { class: "crumbs" }, h("a", { href: "#/requests" }, "Requests")), heading("Request"));
  const found = (await get(`/requests/${encodeURIComponent(key)}`)).data;
  const records = [...found.records].reverse();
  if (!records.length) return empty("No record of this request", "Requests that were refused before a token was known (a malformed one, a probe) leave a line in the log and no audit record. Check that the id is whole.", copyable(key));
  const first = records[0];
  const { bad, lines } = verdict(records);
  return [
    h("div", { class: `advice ${bad ? "bad" : "good"}` }, lines.length ? lines.map((line) => h("p", {}, line)) : h("p", {}, "Every step of it went well.")),
    card("About", details([["Id", copyable(key)], ["Began", time(first.time, "", true)], ["From", first.address ?? ""], ["By", `${first.actor} ${first.actor_id ?? ""}`], first.connection ? ["Connection", h("a", { href: `#/connections/${first.connection}` }, first.connection)] : null])),
    card("What happened", recordTable(records, { story: true })),
  ];
}
