// A foreign OPC UA server: signed and encrypted, with analog items, history, alarms and a login.
// node server.js '{"port": 0, "pki": "/folder", "trusted": ["client.der"]}'
// Prints one JSON line when it is ready; ends when its standard input ends.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const {
  OPCUAServer, OPCUACertificateManager, MessageSecurityMode, SecurityPolicy, DataType,
  StatusCodes, makeEUInformation,
} = require("node-opcua");

const options = JSON.parse(process.argv[2]);
const uri = "urn:genba:test:mill";

async function certificates() {
  const manager = new OPCUACertificateManager({
    rootFolder: path.join(options.pki, "pki"),
    automaticallyAcceptUnknownCertificate: false,
  });
  await manager.initialize();
  for (const file of options.trusted) {
    await manager.trustCertificate(fs.readFileSync(file));
  }
  const certificateFile = path.join(options.pki, "server.pem");
  if (!fs.existsSync(certificateFile)) {
    await manager.createSelfSignedCertificate({
      applicationUri: uri,
      dns: ["localhost"],
      ip: ["127.0.0.1"],
      outputFile: certificateFile,
      startDate: new Date(Date.now() - 86400000),
      validity: 365,
      subject: "/CN=Mill/O=Foreign",
    });
  }
  return { manager, certificateFile };
}

function fill(space) {
  const own = space.getOwnNamespace();
  space.installAlarmsAndConditionsService();
  const mill = own.addObject({
    organizedBy: space.rootFolder.objects, browseName: "Mill", nodeId: "s=Mill",
    eventSourceOf: space.rootFolder.objects.server, eventNotifier: 1,
  });
  const analog = own.addAnalogDataItem({
    componentOf: mill, browseName: "Torque", nodeId: "s=Torque", dataType: DataType.Double,
    engineeringUnitsRange: { low: 0, high: 500 }, instrumentRange: { low: 0, high: 500 },
    engineeringUnits: makeEUInformation("NU", "N·m", "newton metre"), minimumSamplingInterval: 0,
    accessLevel: "CurrentRead", userAccessLevel: "CurrentRead",
  });
  analog.setValueFromSource({ dataType: DataType.Double, value: 1.25 });
  own.instantiateExclusiveLimitAlarm("ExclusiveLimitAlarmType", {
    componentOf: mill, browseName: "Overload", nodeId: "s=Overload", conditionName: "Overload",
    conditionSource: mill, inputNode: analog, optionals: ["ConfirmedState", "Confirm"],
    highLimit: 300, highHighLimit: 400, lowLimit: -300, lowLowLimit: -400,
  });
  const count = own.addVariable({
    componentOf: mill, browseName: "Count", nodeId: "s=Count", dataType: DataType.UInt32,
    accessLevel: "CurrentRead", userAccessLevel: "CurrentRead", minimumSamplingInterval: 0,
  });
  count.setValueFromSource({ dataType: DataType.UInt32, value: 0 });
  const feed = own.addVariable({
    componentOf: mill, browseName: "Feed", nodeId: "s=Feed", dataType: DataType.Int16,
    accessLevel: "CurrentRead | CurrentWrite", userAccessLevel: "CurrentRead | CurrentWrite",
    minimumSamplingInterval: 0,
  });
  feed.setValueFromSource({ dataType: DataType.Int16, value: 100 });
  const program = own.addVariable({
    componentOf: mill, browseName: "Program", nodeId: "s=Program", dataType: DataType.String,
    accessLevel: "CurrentRead | CurrentWrite", userAccessLevel: "CurrentRead | CurrentWrite",
    minimumSamplingInterval: 0,
  });
  program.setValueFromSource({ dataType: DataType.String, value: "Fräsen-1" });
  const recorded = own.addVariable({
    componentOf: mill, browseName: "Recorded", nodeId: "s=Recorded", dataType: DataType.Double,
    minimumSamplingInterval: 0,
  });
  space.installHistoricalDataNode(recorded, { maxOnlineValues: 5000 });
  return { analog, count, recorded };
}

async function main() {
  const { manager, certificateFile } = await certificates();
  const server = new OPCUAServer({
    port: options.port,
    hostname: "127.0.0.1",
    serverInfo: { applicationUri: uri },
    serverCertificateManager: manager,
    certificateFile,
    privateKeyFile: manager.privateKey,
    securityModes: [MessageSecurityMode.SignAndEncrypt],
    securityPolicies: [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss],
    allowAnonymous: true,
    userManager: { isValidUser: (user, password) => user === "operator" && password === "secret" },
    serverCapabilities: { minSupportedSampleRate: 0 }, // else it joins changes closer than 100 ms
  });
  await server.initialize();
  const { analog, count, recorded } = fill(server.engine.addressSpace);
  const start = Date.parse("2026-01-05T06:00:00Z");
  for (let step = 0; step < 3000; step += 1) {
    recorded.setValueFromSource(
      { dataType: DataType.Double, value: step }, StatusCodes.Good, new Date(start + step * 1000));
  }
  await server.start();
  const namespaces = server.engine.addressSpace.getNamespaceArray().map((n) => n.namespaceUri);
  const certificate = path.join(options.pki, "server.der");
  fs.writeFileSync(certificate, server.getCertificate());
  console.log(JSON.stringify({ port: server.endpoints[0].port, certificate, uri: namespaces[1] }));

  // "count 500" on standard input: count up to it, one value after the other; "torque 350": set it
  let text = "";
  let value = 0;
  let target = 0;
  const step = () => {
    if (value >= target) return;
    value += 1;
    count.setValueFromSource({ dataType: DataType.UInt32, value });
    setTimeout(step, 1);
  };
  process.stdin.on("data", (data) => {
    text += data;
    const lines = text.split("\n");
    text = lines.pop();
    for (const line of lines) {
      const [what, number] = line.split(" ");
      if (what === "count") target = Number(number);
      if (what === "torque") {
        analog.setValueFromSource({ dataType: DataType.Double, value: Number(number) });
      }
    }
    step();
  });
  process.stdin.on("end", async () => {
    await server.shutdown(0);
    process.exit(0);
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
