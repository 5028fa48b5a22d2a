// Connections: the list, and one of them with its tokens and its history.
// SPDX-License-Identifier: Apache-2.0
import { get, may, post } from "./api.js";
import { h, put, say } from "./dom.js";
import { STATES, badge, initials, reason, short, state, time } from "./format.js";
import { recordTable } from "./records.js";
import { card, confirm, copyable, details, empty, heading, pager, showSecret, table, toolbar } from "./ui.js";

const STATE_OPTIONS = [["", "All states"], ...Object.entries(STATES).map(([key, [text]]) => [key, text])];

function name(row) {
  return h("span", { class: "named" }, h("span", { class: "initials", "aria-hidden": "true" }, initials(row.name)), h("span", {}, h("span", { class: "strong" }, row.name), h("span", { class: "small soft block" }, row.email)));
}

export function stateCell(row) {
  return h("span", {}, state(row.status), h("span", { class: "small soft block" }, reason(row.status_reason)));
}

export async function connections({ query, go, parts }) {
  const columns = [
    { title: "Connection", sort: "name", cell: name, class: "wide" },
    { title: "State", sort: "status", cell: stateCell },
    { title: "Platform", sort: "platform", cell: (row) => row.integration_name },
    { title: "Since", sort: "since", cell: (row) => time(row.status_since) },
    { title: "Last used", sort: "used", cell: (row) => time(row.last_used_at) },
  ];
  put(parts.head, heading("Connections"), toolbar(query, go, { placeholder: "Name, e-mail address, id or account", filters: [{ name: "state", label: "State", options: STATE_OPTIONS }] }),
    query.customer || query.application || query.platform ? h("p", { class: "chips" }, Object.entries(query).filter(([key, value]) => ["customer", "application", "platform"].includes(key) && value).map(([key, value]) =>
      h("button", { type: "button", class: "chip", on: { click: () => go({ [key]: "" }) } }, `${key} ${value}`, h("span", { "aria-hidden": "true" }, " ×"), h("span", { class: "visually-hidden" }, " (remove)")))) : null);
  const answer = await get("/connections", query);
  if (!answer.data.length) {
    return query.q || query.state ? empty("No connection fits", "Search for less, or for another state.", h("button", { type: "button", class: "secondary", on: { click: () => go({}, true) } }, "Show all"))
      : empty("No customer has connected a system yet", "Make a connect link for a customer, or let your application send them through OAuth: the connection appears here as soon as its credential was verified.", may("POST /applications") ? h("a", { class: "primary", href: "#/applications" }, "To the applications") : null);
  }
  return [table(columns, answer.data, { caption: "Connections", sort: query.sort, onSort: (sort) => go({ sort, page: "" }), href: (row) => `#/connections/${row.key}` }),
    pager(answer.meta, (page) => go({ page: String(page) }))];
}

// A link for the customer, to be copied.
export async function reconnectLink(row) {
  const link = (await post(`/connections/${row.key}/link`)).data;
  await showSecret("A link to connect it anew", [["Link", link.url]], `Send it to ${row.email || "the customer"} alone: whoever opens it first uses it. It works once, for a week. Once the system is connected again, your application takes the new token.`);
}

async function rotate(token, again) {
  const made = (await post(`/tokens/${token.id}/rotate`)).data;
  await showSecret("The new token", [["Token", made.token ?? made.access_token]], "It is shown this once. The old one works beside it for a day.");
  again();
}

async function revoke(token, again) {
  if (!(await confirm("Revoke this token?", "The very next call with it is refused. This cannot be taken back.", { action: "Revoke" }))) return;
  await post(`/tokens/${token.id}/revoke`);
  say("The token is revoked.");
  again();
}

export function tokenTable(tokens, again, act) {
  const kinds = { active: "good", ending: "warn", revoked: "plain", expired: "plain" };
  return table([
    { title: "Token", cell: (row) => h("span", {}, short(row.id), h("span", { class: "small soft block" }, row.kind.replace("_", " "))), class: "wide" },
    { title: "State", cell: (row) => h("span", {}, badge(row.status, kinds[row.status]), row.reason ? h("span", { class: "small soft block" }, row.reason.toLowerCase().replaceAll("_", " ")) : null) },
    { title: "Created", cell: (row) => time(row.created_at) },
    { title: "Last used", cell: (row) => time(row.last_used_at) },
    { title: "Expires", cell: (row) => time(row.expires_at) },
    { title: "", cell: (row) => (row.status === "active" ? h("span", { class: "row-actions" },
      may("POST /tokens/{id}/rotate") && row.kind !== "refresh" ? h("button", { type: "button", class: "secondary compact", on: { click: () => act(() => rotate(row, again)) } }, "Rotate") : null,
      may("POST /tokens/{id}/revoke") ? h("button", { type: "button", class: "secondary compact", on: { click: () => act(() => revoke(row, again)) } }, "Revoke") : null) : "") },
  ], tokens, { caption: "Tokens" });
}

const ADVICE = {
  requires_reauthorization: ["bad", "The system rejected the stored credentials: a password was changed, or the account was locked. Its tokens answer with the reason until the customer connects it again."],
  unreachable: ["warn", "The system did not answer the last calls. Calls go on trying, and it becomes active with the first that succeeds. Check that it runs, and that this server may reach its address."],
};

export async function connection({ key, again, act, parts }) {
  const answer = await get(`/connections/${key}`);
  const row = answer.data;
  const tokens = answer.tokens ?? row.tokens ?? [];
  const ended = ["disconnected", "erased"].includes(row.status);
  const history = (await get(`/connections/${key}/history`)).data;
  const linkButton = !ended && may("POST /connections/{id}/link") ? h("button", { type: "button", class: "primary", on: { click: () => act(() => reconnectLink(row)) } }, "Link to connect it anew") : null;
  const [kind, advice] = ADVICE[row.status] ?? [];
  const end = async () => {
    if (!(await confirm("Disconnect this system?", `Every token of ${row.name} stops at once and the stored credentials are destroyed. The customer would have to connect it as a new one.`, { action: "Disconnect", word: "disconnect" }))) return;
    await post(`/connections/${key}/disconnect`);
    say("Disconnected.");
    again();
  };
  const issue = async () => {
    const made = (await post(`/connections/${key}/tokens`)).data;
    await showSecret("A further token", [["Token", made.token ?? made.access_token]], "It is shown this once. The tokens that are there go on working.");
    again();
  };
  put(parts.head, h("p", { class: "crumbs" }, h("a", { href: "#/connections" }, "Connections")), heading(row.name, state(row.status)));
  return [
    advice ? h("div", { class: `advice ${kind}` }, h("p", {}, advice), linkButton) : null,
    h("div", { class: "columns" },
      card("About", details([
        ["Id", copyable(row.key)], ["Platform", h("a", { href: `#/platforms` }, row.integration_name)], ["E-mail address", row.email], ["Account in the system", row.account ?? h("span", { class: "soft" }, "not named by it")],
        ["Customer", h("a", { href: `#/customers/${row.customer}` }, row.customer)], ["Application", h("a", { href: `#/connections?application=${row.client_id}` }, row.client_id)],
        ["Private networks", row.networks || h("span", { class: "soft" }, "those of the configuration")]])),
      card("Life", details([
        ["State", h("span", {}, state(row.status), " ", reason(row.status_reason))], ["Since", time(row.status_since, "never", true)], ["Connected", time(row.created_at, "never", true)],
        ["Last used", time(row.last_used_at)], ["Credential", `version ${row.credential_version}`]]),
      h("div", { class: "actions" }, advice ? null : linkButton,
        !ended && may("POST /connections/{id}/disconnect") ? h("button", { type: "button", class: "danger outline", on: { click: () => act(end) } }, "Disconnect") : null))),
    card("Tokens", tokens.length ? tokenTable(tokens, again, act) : empty("No token", "The connection has none that works."),
      !ended && may("POST /connections/{id}/tokens") ? h("div", { class: "actions" }, h("button", { type: "button", class: "secondary", on: { click: () => act(issue) } }, "Issue a token")) : null),
    card("History", history.records.length ? recordTable(history.records, { about: false }) : empty("Nothing recorded", "The audit log has no record of it yet.")),
  ];
}
