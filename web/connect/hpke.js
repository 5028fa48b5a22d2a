// HPKE (RFC 9180), base mode, one message: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, with
// the browser's own cryptography. The other half is src/crypto/hpke.c.
// SPDX-License-Identifier: Apache-2.0
const encoder = new TextEncoder();
const KEM = Uint8Array.of(75, 69, 77, 0, 16); // "KEM", kem_id
const SUITE = Uint8Array.of(72, 80, 75, 69, 0, 16, 0, 1, 0, 2); // "HPKE", kem_id, kdf_id, aead_id
const EMPTY = new Uint8Array(0);

function join(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

async function hmac(key, data) {
  const raw = key.length ? key : new Uint8Array(32); // an empty salt is as good as zeros
  const imported = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

function labeledExtract(suite, salt, label, ikm) {
  return hmac(salt, join(encoder.encode("HPKE-v1"), suite, encoder.encode(label), ikm));
}

// At most 32 bytes: one block of HKDF-Expand.
async function labeledExpand(suite, prk, label, info, length) {
  const input = join(Uint8Array.of(0, length), encoder.encode("HPKE-v1"), suite, encoder.encode(label), info, Uint8Array.of(1));
  return (await hmac(prk, input)).slice(0, length);
}

export function base64url(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function fromBase64url(text) {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

// Seals text for the holder of the public key (65 bytes); info and aad are texts.
export async function seal(publicKey, info, aad, text) {
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const theirs = await crypto.subtle.importKey("raw", publicKey, curve, false, []);
  const mine = await crypto.subtle.generateKey(curve, false, ["deriveBits"]);
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", mine.publicKey));
  const dh = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, mine.privateKey, 256));
  const eae = await labeledExtract(KEM, EMPTY, "eae_prk", dh);
  const shared = await labeledExpand(KEM, eae, "shared_secret", join(enc, publicKey), 32);
  const context = join(
    Uint8Array.of(0),
    await labeledExtract(SUITE, EMPTY, "psk_id_hash", EMPTY),
    await labeledExtract(SUITE, EMPTY, "info_hash", encoder.encode(info)),
  );
  const secret = await labeledExtract(SUITE, shared, "secret", EMPTY);
  const keyBytes = await labeledExpand(SUITE, secret, "key", context, 32);
  const iv = await labeledExpand(SUITE, secret, "base_nonce", context, 12);
  const key = await crypto.subtle.importKey("raw", keyBytes, "AES-GCM", false, ["encrypt"]);
  const options = { name: "AES-GCM", iv, additionalData: encoder.encode(aad), tagLength: 128 };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(options, key, encoder.encode(text)));
  return { enc: base64url(enc), sealed: base64url(sealed) };
}
