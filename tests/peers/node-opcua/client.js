// A foreign OPC UA client: reads, subscribes, writes and reads history over a secured session.
// node client.js '{"url": "opc.tcp://...", "certificate": "c.pem", "key": "k.pem", "uri": "urn:...",
//                  "pki": "/folder", "namespace": "urn:...", "read": "Melt", "count": 3, "write": ...}'
// Prints one JSON line: what it read, was told, and what became of the write.
"use strict";
const path = require("node:path");
const {
  OPCUAClient, OPCUACertificateManager, MessageSecurityMode, SecurityPolicy, AttributeIds,
  DataType, TimestampsToReturn, ClientSubscription, ClientMonitoredItem,
} = require("node-opcua");

const options = JSON.parse(process.argv[2]);

const told = (value) => [value.value.value, value.sourceTimestamp.toISOString()];

async function main() {
  const manager = new OPCUACertificateManager({
    rootFolder: path.join(options.pki, "pki"),
    automaticallyAcceptUnknownCertificate: true,
  });
  await manager.initialize();
  const client = OPCUAClient.create({
    applicationUri: options.uri,
    certificateFile: options.certificate,
    privateKeyFile: options.key,
    clientCertificateManager: manager,
    securityMode: MessageSecurityMode.SignAndEncrypt,
    securityPolicy: SecurityPolicy.Basic256Sha256,
    connectionStrategy: { maxRetry: 0 },
    endpointMustExist: false,
  });
  await client.connect(options.url);
  const session = await client.createSession();
  const namespaces = await session.readNamespaceArray();
  const id = (name) => `ns=${namespaces.indexOf(options.namespace)};s=${name}`;

  const subscription = ClientSubscription.create(session, {
    requestedPublishingInterval: 50, publishingEnabled: true,
    requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 20,
  });
  const changes = [];
  const enough = new Promise((resolve) => {
    const item = ClientMonitoredItem.create(
      subscription, { nodeId: id(options.read), attributeId: AttributeIds.Value },
      { samplingInterval: 0, queueSize: 1000, discardOldest: true }, TimestampsToReturn.Both);
    item.on("changed", (value) => {
      changes.push(told(value));
      if (changes.length === 1) console.log("listening");
      if (changes.length === options.count) resolve();
    });
  });
  await enough;

  const written = await session.write({
    nodeId: id(options.write), attributeId: AttributeIds.Value,
    value: { value: { dataType: DataType.Double, value: options.value } },
  });
  const range = await session.read({
    nodeId: id(`${options.read}/EURange`), attributeId: AttributeIds.Value });
  const history = await session.readHistoryValue(
    { nodeId: id(options.read) }, options.start, options.end);
  console.log(JSON.stringify({
    changes,
    written: written.name,
    range: [range.value.value.low, range.value.value.high],
    history: history.historyData.dataValues.map(told),
  }));
  await subscription.terminate();
  await session.close();
  await client.disconnect();
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
