// A foreign Sparkplug B edge node: sparkplug-client of npm, driven line by line from stdin.
// node edge.js '{"url": "mqtt://127.0.0.1:1883", "group": "g", "node": "n", "birth": [...],
//               "device": "d", "deviceBirth": [...]}'
// stdin:  {"data": [metrics]}  {"device": [metrics]}  {"deviceDeath": true}  {"stop": true}
// stdout: "birth" at each birth, and one JSON line for each command that it is given. A command
// for a metric is answered by reporting its value.
"use strict";
const readline = require("node:readline");
const sparkplug = require("sparkplug-client");

const options = JSON.parse(process.argv[2]);
const client = sparkplug.newClient({
  serverUrl: options.url, username: "", password: "", groupId: options.group,
  edgeNode: options.node, clientId: `foreign-${process.pid}`, version: "spBv1.0",
  publishDeath: true, keepalive: 5,
});
const now = () => Date.now();

function giveBirth() {
  client.publishNodeBirth({ timestamp: now(), metrics: [...options.birth] });
  if (options.device) {
    client.publishDeviceBirth(options.device, { timestamp: now(), metrics: [...options.deviceBirth] });
  }
  console.log("birth");
}

client.on("birth", giveBirth);
client.on("ncmd", (payload) => {
  for (const metric of payload.metrics) {
    if (metric.name === "Node Control/Rebirth") {
      giveBirth();
    } else {
      console.log(JSON.stringify({ name: metric.name, value: metric.value }, plain));
      client.publishNodeData({ timestamp: now(), metrics: [{ ...metric, timestamp: now() }] });
    }
  }
});
client.on("dcmd", (device, payload) => {
  for (const metric of payload.metrics) {
    console.log(JSON.stringify({ device, name: metric.name, value: metric.value }, plain));
    client.publishDeviceData(device, { timestamp: now(), metrics: [{ ...metric, timestamp: now() }] });
  }
});

function plain(_key, value) {
  return value && typeof value === "object" && "low" in value ? Number(value) : value;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  if (order.data) client.publishNodeData({ timestamp: now(), metrics: order.data });
  if (order.device) client.publishDeviceData(options.device, { timestamp: now(), metrics: order.device });
  if (order.deviceDeath) client.publishDeviceDeath(options.device, { timestamp: now() });
  if (order.stop) {
    client.stop();
    setTimeout(() => process.exit(0), 200);
  }
}).on("close", () => process.exit(0));
