// Pieces that pages are made of: fields, dialogs, lists with their pager, troubles, empty states.
// SPDX-License-Identifier: Apache-2.0
import { add, h, icon, say } from "./dom.js";
import { number } from "./format.js";

let counter = 0;
const fresh = (name) => `${name}-${++counter}`;

// ---- forms
// { element, input, value(), wrong(text) }
export function field({ name, label, help = "", type = "text", autocomplete = "off", value = "", options = null, required = true }) {
  const id = fresh(name);
  const wrong = h("p", { class: "wrong", id: `${id}-wrong` });
  const input = options
    ? h("select", { id, name, "aria-describedby": `${id}-help ${id}-wrong` }, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)))
    : h("input", { id, name, type, autocomplete, spellcheck: "false", autocapitalize: "none", value, "aria-required": String(required), "aria-describedby": `${id}-help ${id}-wrong`,
      ...(name === "code" ? { inputmode: "numeric", maxlength: 6 } : {}) });
  const set = (text) => {
    wrong.textContent = text ?? "";
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => set(""));
  return {
    name, input, wrong: set, required,
    value: () => (type === "password" ? input.value : input.value.trim()),
    element: h("div", { class: "field" }, h("label", { for: id }, label), input, h("p", { class: "help", id: `${id}-help` }, help), wrong),
  };
}

// A form that sends its fields by send(values) and shows what was wrong with them.
export function form({ fields, submit, send, cancel = null, danger = false }) {
  const trouble = h("div", {});
  const button = h("button", { type: "submit", class: danger ? "danger" : "primary" }, submit);
  const onSubmit = async (event) => {
    event.preventDefault();
    const empty = fields.filter((one) => one.required && one.value() === "");
    fields.forEach((one) => one.wrong(empty.includes(one) ? "This is needed." : ""));
    trouble.replaceChildren();
    if (empty.length) {
      empty[0].input.focus();
      return;
    }
    button.disabled = true;
    try {
      await send(Object.fromEntries(fields.map((one) => [one.name, one.value()])));
    } catch (problem) {
      const known = fields.filter((one) => problem.fields?.[one.name]);
      known.forEach((one) => one.wrong(problem.fields[one.name]));
      if (known.length) known[0].input.focus();
      else trouble.replaceChildren(problemBox(problem));
    } finally {
      button.disabled = false;
    }
  };
  return h("form", { novalidate: true, on: { submit: onSubmit } }, trouble, fields.map((one) => one.element),
    h("div", { class: "actions" }, button, cancel ? h("button", { type: "button", class: "secondary", on: { click: cancel } }, "Cancel") : null));
}

export function problemBox(problem) {
  if (!(problem instanceof Error) || !problem.code) throw problem;
  const wait = problem.wait ? ` Wait ${problem.wait} s.` : "";
  return h("div", { class: "trouble", role: "alert" }, h("p", { class: "strong" }, problem.message), h("p", {}, problem.next, wait),
    problem.request ? h("p", { class: "small soft" }, "Request ", h("code", {}, problem.request)) : null);
}

// ---- dialogs
// build(close) gives the content; resolves with what close() was given, null when it was dismissed.
export function dialog(title, build) {
  return new Promise((resolve) => {
    const id = fresh("dialog");
    const back = document.activeElement;
    let result = null;
    const box = h("dialog", { "aria-labelledby": id });
    const close = (value) => { result = value; box.close(); };
    box.addEventListener("close", () => { box.remove(); if (back?.isConnected) back.focus(); resolve(result); });
    add(box, [h("div", { class: "dialog-head" }, h("h2", { id }, title),
      h("button", { type: "button", class: "quiet", "aria-label": "Close", on: { click: () => close(null) } }, icon("close"))), build(close)]);
    document.body.append(box);
    box.showModal();
    (box.querySelector("input, select") ?? box.querySelector(".dialog-body button, button.primary"))?.focus();
  });
}

export function askPassword(send) {
  return dialog("Confirm with your password", (close) => {
    const password = field({ name: "password", label: "Password", type: "password", autocomplete: "current-password" });
    const code = field({ name: "code", label: "Code of your authenticator app", required: false, autocomplete: "one-time-code", help: "Only if you have a second factor." });
    return h("div", {}, h("p", { class: "soft" }, "This is secret or cannot be taken back, so it asks once more. It is not asked again for ten minutes."),
      form({ fields: [password, code], submit: "Confirm", cancel: () => close(null), send: async (values) => { await send(values); close(true); } }));
  });
}

export function askReason() {
  return dialog("Why do you look at this?", (close) => {
    const reason = field({ name: "reason", label: "Reason", help: "A ticket's number, or a few words. It stands in the audit log with all that you look at until you sign out." });
    return form({ fields: [reason], submit: "Go on", cancel: () => close(null), send: async (values) => {
      if (values.reason.length < 3) throw Object.assign(new Error(), { code: "", fields: { reason: "A few words, please." } });
      close(values.reason);
    } });
  });
}

// true: go on. word: what has to be typed.
export function confirm(title, text, { action, word = "" }) {
  return dialog(title, (close) => {
    const typed = word ? field({ name: "word", label: `Type ${word} to confirm` }) : null;
    return h("div", {}, h("p", {}, text), form({ fields: typed ? [typed] : [], submit: action, danger: true, cancel: () => close(false), send: async (values) => {
      if (word && values.word !== word) throw Object.assign(new Error(), { code: "", fields: { word: `Type ${word}.` } });
      close(true);
    } }));
  });
}

// Something that is shown once.
export function showSecret(title, rows, text) {
  return dialog(title, (close) => h("div", { class: "dialog-body" }, h("p", {}, text),
    rows.map(([label, value]) => h("div", { class: "field" }, h("p", { class: "label" }, label), h("div", { class: "once" }, h("code", {}, value), copyButton(value, label)))),
    h("div", { class: "actions" }, h("button", { type: "button", class: "primary", on: { click: () => close(true) } }, "Done"))));
}

export function copyButton(text, label) {
  return h("button", { type: "button", class: "quiet", "aria-label": `Copy: ${label}`, title: "Copy", on: { click: async (event) => {
    const button = event.currentTarget;
    await navigator.clipboard.writeText(text).then(() => say("Copied."), () => say("The browser does not let it be copied."));
    button.replaceChildren(icon("check"));
    setTimeout(() => button.replaceChildren(icon("copy")), 1500);
  } } }, icon("copy"));
}

export const copyable = (text) => h("span", { class: "copyable" }, h("code", {}, text), copyButton(text, text));

// ---- lists
export function empty(title, text, action = null) {
  return h("div", { class: "empty" }, h("p", { class: "strong" }, title), h("p", { class: "soft" }, text), action);
}

// columns: [{ title, cell(row), sort?, wide? }]
export function table(columns, rows, { caption, sort = "", onSort = null, href = null }) {
  const head = columns.map((column) => {
    if (!column.title) return h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Actions"));
    if (!column.sort || !onSort) return h("th", { scope: "col" }, column.title);
    const down = sort === `-${column.sort}`;
    const up = sort === column.sort;
    return h("th", { scope: "col", "aria-sort": down ? "descending" : up ? "ascending" : "none" },
      h("button", { type: "button", class: "sort", on: { click: () => onSort(up ? `-${column.sort}` : column.sort) } }, column.title, h("span", { "aria-hidden": "true" }, down ? " ↓" : up ? " ↑" : " ↕")));
  });
  const body = rows.map((row) => h("tr", {}, columns.map((column, at) => {
    const content = column.cell(row);
    return h(at === 0 ? "th" : "td", { scope: at === 0 ? "row" : null, "data-label": column.title, class: column.class },
      at === 0 && href ? h("a", { href: href(row) }, content) : content);
  })));
  return h("div", { class: "table" }, h("table", {}, h("caption", { class: "visually-hidden" }, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)));
}

export function pager(meta, go) {
  const last = Math.max(1, Math.ceil(meta.total / meta.per_page));
  const first = meta.total === 0 ? 0 : (meta.page - 1) * meta.per_page + 1;
  const to = Math.min(meta.total, meta.page * meta.per_page);
  const button = (label, name, page, off) => h("button", { type: "button", class: "secondary compact", disabled: off, "aria-label": label, on: { click: () => go(page) } }, icon(name));
  return h("nav", { class: "pager", "aria-label": "Pages" }, h("p", { class: "soft" }, `${number(first)}–${number(to)} of ${number(meta.total)}`),
    button("Page before", "left", meta.page - 1, meta.page <= 1), button("Next page", "right", meta.page + 1, meta.page >= last));
}

// Search and filters over a list whose state is the address: query is what stands there, go(changes)
// changes it.
export function toolbar(query, go, { placeholder, filters = [] }) {
  let timer = 0;
  const change = (name, value) => {
    clearTimeout(timer);
    go({ q: input.value.trim(), [name]: value, page: "", before: "" });
  };
  const input = h("input", { type: "search", id: "search", placeholder, value: query.q ?? "", autocomplete: "off", spellcheck: "false", on: { input: () => {
    clearTimeout(timer);
    timer = setTimeout(() => change("q", input.value.trim()), 250);
  } } });
  return h("form", { class: "toolbar", role: "search", on: { submit: (event) => { event.preventDefault(); change("q", input.value.trim()); } } },
    h("div", { class: "search" }, icon("search"), h("label", { for: "search", class: "visually-hidden" }, placeholder), input),
    filters.map(({ name, label, options }) => h("div", { class: "filter" }, h("label", { for: `filter-${name}`, class: "visually-hidden" }, label),
      h("select", { id: `filter-${name}`, on: { change: (event) => change(name, event.target.value) } },
        options.map(([value, text]) => h("option", { value, selected: value === (query[name] ?? "") }, text))))));
}

export function details(rows) {
  return h("dl", { class: "details" }, rows.filter(Boolean).map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value))));
}

export function card(title, ...children) {
  return h("section", { class: "card" }, title ? h("h2", {}, title) : null, children);
}

export function heading(title, ...more) {
  return h("div", { class: "heading" }, h("h1", { tabindex: "-1" }, title), more);
}
