// npm `jose`: reads a job from each line of standard input and writes an answer to each line of standard output, both JSON.
// The protocol is in interop/driver/jobs.py.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { errors, flattenedVerify, FlattenedSign, importPKCS8, importX509 } from "jose";

const ours = { crit: { sigD: true } };

const pem = (label, base64) => `-----BEGIN ${label}-----\n${base64.match(/.{1,64}/g).join("\n")}\n-----END ${label}-----\n`;

async function sign(job) {
  const key = await importPKCS8(pem("PRIVATE KEY", job.key), job.alg);
  const jws = await new FlattenedSign(Buffer.from(job.payload, "base64")).setProtectedHeader(job.header).sign(key, ours);
  return { value: `${jws.protected}..${jws.signature}` };
}

async function verify(job) {
  const key = await importX509(pem("CERTIFICATE", job.chain[0]), job.alg);
  const [header, middle, signature] = job.value.split(".");
  if (middle !== "") throw new Error("the value is not detached");
  const plain = JSON.parse(Buffer.from(header, "base64url").toString()).b64 === false;
  const octets = Buffer.from(job.payload, "base64");
  // Without b64 the flattened form takes the payload as base64url.
  const jws = { protected: header, payload: plain ? octets : octets.toString("base64url"), signature };
  try {
    await flattenedVerify(jws, key, { ...ours, algorithms: [job.alg] });
    return { valid: true };
  } catch (refusal) {
    if (!(refusal instanceof errors.JOSEError)) throw refusal;
    return { valid: false, reason: `${refusal.code}: ${refusal.message}` };
  }
}

function version() {
  const stated = JSON.parse(readFileSync(new URL("./node_modules/jose/package.json", import.meta.url)));
  return { name: "npm jose", version: stated.version, runtime: `Node ${process.versions.node.split(".")[0]}` };
}

const operations = { sign, verify, version };

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const job = JSON.parse(line);
    answer = await operations[job.op](job);
  } catch (failure) {
    answer = { error: String(failure) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
