// The audit log: search, one record, and the story of a request.
// SPDX-License-Identifier: Apache-2.0
import { get, may } from "./api.js";
import { h, put } from "./dom.js";
import { badge, number, time } from "./format.js";
import { card, copyable, details, empty, heading, table, toolbar } from "./ui.js";

const KINDS = ["credential", "connection", "connect_link", "metadata", "token", "code", "client", "application", "customer", "operator", "key", "vault", "store", "data", "log"];

const link = (record) => {
  for (const [member, path] of [["connection", "connections"], ["customer", "customers"]]) {
    if (record[member]) return h("a", { href: `#/${path}/${record[member]}` }, h("code", {}, record[member]));
  }
  return record.application ? h("code", {}, record.application) : "";
};

function detail(record) {
  const rows = Object.entries(record.detail ?? {});
  return rows.length ? h("dl", { class: "inline" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, typeof value === "object" ? JSON.stringify(value) : String(value))))) : "";
}

export function recordTable(records, story = false) {
  return table([
    { title: "When", cell: (row) => time(row.time, "", story) },
    { title: "What", cell: (row) => h("span", {}, h("span", { class: "strong" }, row.action), detail(row)), class: "wide" },
    { title: "Result", cell: (row) => (row.result === undefined ? "" : badge(row.result, row.result === "OK" ? "good" : "bad")) },
    { title: "Who", cell: (row) => h("span", {}, row.actor ?? "", row.actor_id ? h("code", { class: "small soft block" }, row.actor_id) : null) },
    { title: "About", cell: link },
    { title: "Request", cell: (row) => (row.request_id && !story ? h("a", { href: `#/requests/${row.request_id}` }, h("code", {}, `…${row.request_id.slice(-8)}`)) : h("span", { class: "soft small" }, `record ${row.seq ?? ""}`)) },
  ], records, { caption: "Audit records" });
}

export async function audit({ query, go, parts }) {
  put(parts.head, heading("Audit log"), toolbar(query, go, { placeholder: "Any text of a record: an id, an address, a reason", filters: [
    { name: "action", label: "Kind", options: [["", "All kinds"], ...KINDS.map((kind) => [kind, kind.replace("_", " ")])] },
    { name: "result", label: "Result", options: [["", "All results"], ["OK", "Went well"], ["failed", "Refused or failed"]] }] }));
  const found = (await get("/audit", query)).data;
  if (!found.records.length) return empty("No record fits", found.next ? "The newest files of the log have none." : "Search for less, or for another kind.", found.next ? h("button", { type: "button", class: "secondary", on: { click: () => go({ ...query, before: String(found.next) }) } }, "Search older files") : null);
  return [recordTable(found.records), h("nav", { class: "pager", "aria-label": "Pages" }, h("p", { class: "soft" }, `${number(found.records.length)} records, the newest first`),
    query.before ? h("button", { type: "button", class: "secondary compact", on: { click: () => go({ ...query, before: "" }) } }, "Newest") : null,
    found.next ? h("button", { type: "button", class: "secondary compact", on: { click: () => go({ ...query, before: String(found.next) }) } }, "Older") : null)];
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

export async function request({ key, parts }) {
  put(parts.head, h("p", { class: "crumbs" }, h("a", { href: "#/requests" }, "Requests")), heading("Request"));
  const found = (await get(`/requests/${encodeURIComponent(key)}`)).data;
  const records = [...found.records].reverse();
  if (!records.length) return empty("No record of this request", "Requests that were refused before a token was known (a malformed one, a probe) leave a line in the log and no audit record. Check that the id is whole.", copyable(key));
  const first = records[0];
  const failed = records.filter((record) => record.result && record.result !== "OK");
  return [
    h("div", { class: `advice ${failed.length ? "bad" : "good"}` }, h("p", {}, failed.length ? `It did not go well: ${failed.map((record) => record.result).join(", ")}.` : "Every step of it went well.")),
    card("About", details([["Id", copyable(key)], ["Began", time(first.time, "", true)], ["From", first.address ?? ""], ["By", `${first.actor} ${first.actor_id ?? ""}`], first.connection ? ["Connection", h("a", { href: `#/connections/${first.connection}` }, first.connection)] : null])),
    card("What happened", recordTable(records, true)),
  ];
}
