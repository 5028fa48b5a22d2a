// How things are written for people: times in the reader's zone with UTC on hover, states in words.
// SPDX-License-Identifier: Apache-2.0
import { h } from "./dom.js";

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

export const STATES = {
  pending: ["Pending", "plain"],
  active: ["Active", "good"],
  unreachable: ["Unreachable", "warn"],
  requires_reauthorization: ["Requires reauthorization", "bad"],
  disconnected: ["Disconnected", "plain"],
  erased: ["Erased", "plain"],
};

export const REASONS = {
  CREATED: "created",
  CONNECTED: "connected",
  RECONNECTED: "connected anew",
  SOURCE_REACHABLE: "the system answers again",
  SOURCE_UNREACHABLE: "the system does not answer",
  CREDENTIALS_REJECTED: "the system rejected the credentials",
  DISCONNECTED_BY_APPLICATION: "by the application",
  DISCONNECTED_BY_CONNECTION: "by the holder of its token",
  DISCONNECTED_BY_OPERATOR: "by an operator",
  ERASED: "the customer was erased",
};

export function ago(text) {
  const seconds = (Date.parse(text) - Date.now()) / 1000;
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? STEPS.at(-1);
  return relative.format(Math.round(seconds / size), unit);
}

// null: `none`.
export function time(text, none = "never", exact = false) {
  if (!text) return h("span", { class: "soft" }, none);
  const local = whole.format(new Date(text));
  return h("time", { datetime: text, title: `${local}\n${text.replace("T", " ").replace("Z", " UTC")}` }, exact ? local : ago(text));
}

export function badge(text, kind = "plain") {
  return h("span", { class: `badge ${kind}` }, text);
}

export function state(name) {
  const [text, kind] = STATES[name] ?? [name, "plain"];
  return badge(text, kind);
}

export function reason(code) {
  return REASONS[code] ?? code;
}

// An identifier in a list: its kind and its end; whole on hover.
export function short(id) {
  const cut = id.length > 18 ? `${id.slice(0, id.indexOf("_") + 1)}…${id.slice(-8)}` : id;
  return h("code", { title: id }, cut);
}

export const number = (value) => new Intl.NumberFormat().format(value);

export function initials(name) {
  const words = (name ?? "").match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, 2).map((word) => [...word][0]).join("").toUpperCase() || "?";
}
