// A Sparkplug B edge node that stores and forwards, with the payloads of npm's sparkplug-payload.
// node sparkplug_edge.js '{"url": "mqtt://127.0.0.1:1883", "group": "g", "node": "n",
//                          "host": "genba-line", "signals": 10, "rate": 100, "journal": "FILE"}'
// Counters count on whatever happens. While the broker or the primary host is away, values are
// kept; they are sent as historical after the next birth, oldest first. What was handed to a
// connection that seemed to live counts as delivered: Sparkplug acknowledges no data.
// The journal holds all that was made (m NUMBER VALUE TIME_MS) and how many of it were delivered
// (d COUNT), so that a killed node goes on where it was.
// stdin: "stop" ends the counting and says {"made": COUNT, "kept": COUNT} when all is sent.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const modules = path.join(__dirname, "../../tests/peers/sparkplug-client/node_modules");
const mqtt = require(path.join(modules, "mqtt"));
const payloads = require(path.join(modules, "sparkplug-payload")).get("spBv1.0");

const options = JSON.parse(process.argv[2]);
const TICK_MS = 100;
const AGAIN_MS = 500;
const PIECE = 200;
const base = (kind) => `spBv1.0/${options.group}/${kind}/${options.node}`;
const stateTopic = `spBv1.0/STATE/${options.host}`;
const journal = fs.openSync(options.journal, "a");
const counts = Array(options.signals).fill(0);
const lastMade = Array(options.signals).fill(0);
const kept = [];
let made = 0;
let counting = true;

function restore() {
  const all = [];
  let delivered = 0;
  for (const line of fs.readFileSync(options.journal, "utf8").split("\n")) {
    const [kind, ...rest] = line.split(" ");
    if (kind === "d") delivered += Number(rest[0]);
    if (kind === "m" && rest.length === 3) all.push(rest.map(Number));
  }
  for (const [number, value, when] of all) {
    counts[number] = value;
    lastMade[number] = when;
  }
  made = all.length;
  kept.push(...all.slice(delivered));
}

const note = (lines) => fs.writeSync(journal, lines.join("\n") + "\n");

// --- one connection after the other; each is a life of the node -------------------------------

let client = null;
let life = 0;
let seq = 0;
let alive = false;
let hostTime = -1;
let flushing = false;

const bdSeq = () => ({ name: "bdSeq", type: "UInt64", value: life, timestamp: Date.now() });
const encode = (content) => Buffer.from(payloads.encodePayload(content));

function open() {
  life = (life + 1) % 256;
  hostTime = -1;
  const mine = mqtt.connect(options.url, {
    clientId: `edge-${process.pid}-${life}`, clean: true, keepalive: 5, reconnectPeriod: 0,
    connectTimeout: 2000, queueQoSZero: false,
    reschedulePings: false, // it asks for a sign of life also while it sends
    will: { topic: base("NDEATH"), qos: 1,
      payload: encode({ timestamp: Date.now(), metrics: [bdSeq()] }) },
  });
  client = mine;
  mine.on("error", () => {});
  mine.on("connect", () => mine.subscribe([stateTopic, base("NCMD")], { qos: 1 }));
  mine.on("message", (topic, data) => (topic === stateTopic ? host(data) : command(data)));
  mine.on("close", () => {
    if (client !== mine) return;
    client = null;
    alive = flushing = false;
    setTimeout(open, AGAIN_MS);
  });
}

function host(data) {
  const { online, timestamp } = JSON.parse(data);
  if (timestamp < hostTime) return;
  hostTime = timestamp;
  if (online && !alive) birth();
  if (!online && alive) {
    alive = false;
    client.publish(base("NDEATH"), encode({ timestamp: Date.now(), metrics: [bdSeq()] }), { qos: 1 });
    client.end();
  }
}

function command(data) {
  const asked = payloads.decodePayload(data).metrics;
  if (alive && asked.some(({ name }) => name === "Node Control/Rebirth")) birth();
}

function birth() {
  const now = Date.now();
  seq = 0;
  const metrics = counts.map((value, n) => (
    { name: `counter-${n}`, alias: n + 1, type: "Int64", value, timestamp: lastMade[n] || now }));
  const control = { name: "Node Control/Rebirth", type: "Boolean", value: false, timestamp: now };
  client.publish(base("NBIRTH"),
    encode({ timestamp: now, seq, metrics: [bdSeq(), control, ...metrics] }));
  alive = true;
  flush();
}

function publish(values, historical, then) {
  seq = (seq + 1) % 256;
  const metrics = values.map(([number, value, timestamp]) => {
    const metric = { alias: number + 1, type: "Int64", value, timestamp };
    return historical ? { ...metric, isHistorical: true } : metric;
  });
  client.publish(base("NDATA"), encode({ timestamp: Date.now(), seq, metrics }), then);
}

// Live values wait until all that was kept is sent: a host then gets each metric in order.
function flush() {
  if (flushing || !alive || !client || kept.length === 0) return;
  const piece = kept.slice(0, PIECE);
  const mine = client;
  flushing = true;
  publish(piece, true, (error) => {
    if (client !== mine) return;
    flushing = false;
    if (!error) {
      kept.splice(0, piece.length);
      note([`d ${piece.length}`]);
    }
    setTimeout(flush, 10);
  });
}

// --- the machine ------------------------------------------------------------------------------

const began = Date.now();
let done = 0;
let at = 0;

function tick() {
  if (!counting) return finish();
  const due = Math.floor(((Date.now() - began) / 1000) * options.rate) - done;
  done += due;
  const fresh = [];
  for (let i = 0; i < due; i += 1) {
    const when = Math.max(Date.now(), lastMade[at] + 1);
    counts[at] += 1;
    lastMade[at] = when;
    fresh.push([at, counts[at], when]);
    at = (at + 1) % options.signals;
  }
  made += fresh.length;
  if (fresh.length) note(fresh.map((value) => `m ${value.join(" ")}`));
  if (alive && kept.length === 0 && client && client.connected && fresh.length) {
    publish(fresh, false, () => {});
    note([`d ${fresh.length}`]);
  } else {
    kept.push(...fresh);
    flush();
  }
  setTimeout(tick, TICK_MS);
}

function finish() {
  if (kept.length) {
    flush();
    setTimeout(finish, TICK_MS);
    return;
  }
  console.log(JSON.stringify({ made, kept: kept.length }));
}

restore();
open();
tick();
readline.createInterface({ input: process.stdin }).on("line", () => { counting = false; })
  .on("close", () => process.exit(0));
