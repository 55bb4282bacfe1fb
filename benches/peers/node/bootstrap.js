// Asks the Runtime API for events and answers them: what aws-lambda-ric does, which npm would have to
// compile. One kept connection and nothing else, so that it costs no more than the official client.

import { Agent, request } from "node:http";

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const base = "/2018-06-01/runtime/";
const agent = new Agent({ keepAlive: true });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, agent, method, path: base + path }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(chunks) }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

export async function run(handler) {
  for (;;) {
    const { headers, body } = await call("GET", "invocation/next");
    const path = `invocation/${headers["lambda-runtime-aws-request-id"]}`;
    process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"];
    try {
      const answer = await handler(JSON.parse(body));
      await call("POST", `${path}/response`, JSON.stringify(answer));
    } catch (error) {
      const failure = { errorType: error.name, errorMessage: error.message };
      await call("POST", `${path}/error`, JSON.stringify(failure));
    }
  }
}
