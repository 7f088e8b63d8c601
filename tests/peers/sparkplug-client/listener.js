// Listens to a Sparkplug group and reads its payloads with sparkplug-payload of npm.
// node listener.js '{"url": "mqtt://127.0.0.1:1883", "group": "works"}'
// stdout: "listening", then one JSON line a message: topic, seq, metrics.
// stdin:  {"topic": "...", "metrics": [...]} publishes a command.
"use strict";
const readline = require("node:readline");
const mqtt = require("mqtt");
const payloads = require("sparkplug-payload").get("spBv1.0");

const options = JSON.parse(process.argv[2]);
const client = mqtt.connect(options.url, { clientId: `listener-${process.pid}` });
const plain = (_key, value) =>
  typeof value === "bigint" || (value && typeof value === "object" && "low" in value)
    ? Number(value) : value;

client.on("connect", () => {
  client.subscribe(`spBv1.0/${options.group}/#`, { qos: 1 }, () => console.log("listening"));
});
client.on("message", (topic, data) => {
  const { seq, metrics } = payloads.decodePayload(data);
  console.log(JSON.stringify({ topic, seq, metrics }, plain));
});
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { topic, metrics } = JSON.parse(line);
  client.publish(topic, Buffer.from(payloads.encodePayload({ timestamp: Date.now(), metrics })));
}).on("close", () => process.exit(0));
