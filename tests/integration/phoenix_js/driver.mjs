// The official client as a puppet: reads commands as JSON lines, {id, op, ...}, and writes what each gives, {id, result}, between everything that happens
// by itself: {on: "open" | "close" | "error" | "joined" | "errored" | "closed" | "event" | "presence" | "heartbeat", ...}.

import {createInterface} from "node:readline"
import {LongPoll, Presence, Socket} from "phoenix"
import WebSocket from "ws"

const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

let socket
const channels = new Map()

// What an application keeps to catch up after it was away: the newest `rev` of each chat, and the time of the last answer.
const known = {}
let since

const note = (message) => {
  known[message.chat_id] = Math.max(known[message.chat_id] ?? 0, message.rev)
}

const noteAnswer = (answer) => {
  for (const chat of answer.chats ?? []) { known[chat.id] = Math.max(known[chat.id] ?? 0, chat.rev) }
  since = answer.server_time ?? since
}

const outcome = (push) => new Promise((resolve) => {
  for (const status of ["ok", "error", "timeout"]) {
    push.receive(status, (response) => resolve([status, response ?? null]))
  }
})

// Long-polling as it is, but each request goes to the next of several nodes' ports, as a load balancer without stickiness has it.
let ports = []
let turn = 0
class Alternating extends LongPoll {
  endpointURL() {
    const url = new URL(super.endpointURL())
    url.port = ports[turn++ % ports.length]
    return url.href
  }
}

const transports = {WebSocket, LongPoll, Alternating}

const memory = () => {
  const items = new Map()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  }
}

const commands = {
  connect({url, token, transport = "WebSocket", ports: given, options}) {
    ports = given ?? ports
    socket = new Socket(url, {authToken: token, transport: transports[transport], sessionStorage: memory(), ...options})
    socket.onOpen(() => tell({on: "open"}))
    socket.onClose(({code, reason}) => tell({on: "close", code, reason}))
    socket.onError((error) => tell({on: "error", message: error?.message ?? String(error)}))
    socket.onMessage(({topic, event, ref, payload}) => {
      if (topic === "phoenix") { tell({on: "heartbeat", event, ref, status: payload.status}) }
    })
    socket.connect()
  },

  use({ports: given}) {
    ports = given
    turn = 0
  },

  transport() {
    return socket.transportName(socket.transport)
  },

  // What an application may do at any time; `longPollFallbackMs` does it when no WebSocket gets through.
  replace({transport, ports: given}) {
    ports = given ?? ports
    socket.replaceTransport(transports[transport])
    socket.connect()
  },

  disconnect() {
    return new Promise((resolve) => socket.disconnect(() => resolve(true)))
  },

  join({topic, events = [], params = {}}) {
    const catchesUp = () => ({...params, known, ...(since && {since})})
    const channel = socket.channel(topic, topic === "me" ? catchesUp : params)
    channels.set(topic, channel)
    for (const event of events) {
      channel.on(event, (payload) => {
        if (payload.message) { note(payload.message) }
        tell({on: "event", topic, event, payload})
      })
    }
    channel.onError((reason) => tell({on: "errored", topic, reason: reason ?? null}))
    channel.onClose(() => tell({on: "closed", topic}))
    if (topic !== "me") {
      const presence = new Presence(channel)
      const users = (change) => () => tell({
        on: "presence", topic, change, users: presence.list((id, {metas}) => [id, metas.length]),
      })
      presence.onSync(users("sync"))
      presence.onJoin((id, before, joined) => tell({on: "presence", topic, change: "join", id, metas: joined.metas.length}))
      presence.onLeave((id, now, left) => tell({on: "presence", topic, change: "leave", id, left: now.metas.length}))
    }
    const push = channel.join()
    push.receive("ok", (response) => {
      noteAnswer(response)
      tell({on: "joined", topic, response})
    })
    return outcome(push)
  },

  push({topic, event, payload, timeout}) {
    return outcome(channels.get(topic).push(event, payload, timeout))
  },

  leave({topic}) {
    return outcome(channels.get(topic).leave())
  },

  state({topic}) {
    return channels.get(topic).state
  },
}

for await (const line of createInterface({input: process.stdin})) {
  const {id, op, ...given} = JSON.parse(line)
  Promise.resolve(commands[op](given)).then((result) => tell({id, result: result ?? null}))
}
process.exit(0)
