// One process that does one verb, and may be killed in the middle of it:
// node ledger-process.mjs <file: path of the file | mongo: uri of the database> <steps | tasks> <verb> <id> <json of params> <json of by> <point>
// Points of a file: 'lock', 'claim', 'stop', 'write' (half of the bytes are written), 'sync', 'rename', 'after'. Points of MongoDB: the
// number of the command before which it ends, counted from 1; a point that is never reached lets it end by itself.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [where, place, kind, verb, id, params, by, point] = process.argv.slice(2);
const die = () => process.kill(process.pid, 'SIGKILL');

// The lock takes its functions when it is loaded.
if (where === 'file') await killInFile();

const {
  CoordinationFormat,
  CoordinationLedger,
  MarkdownRecordStore,
  MongoRecordStore,
  VerificationFormat,
  VerificationLedger,
} = await import('@monque/ledgers');

async function openStore() {
  if (where === 'file') {
    return new MarkdownRecordStore(
      place,
      kind === 'steps' ? new VerificationFormat() : new CoordinationFormat(),
    );
  }
  const { MongoClient } = await import('mongodb');
  const client = await new MongoClient(place, { monitorCommands: true }).connect();
  let commands = 0;
  client.on('commandStarted', ({ commandName }) => {
    if (!['find', 'insert', 'update'].includes(commandName)) return;
    commands += 1;
    // The command is not sent yet when it is announced.
    if (commands === Number(point)) die();
  });
  return new MongoRecordStore(client.db());
}

async function killInFile() {
  const { mkdir } = fs;
  const { open, rename } = fs.promises;
  const handle = await open(place);
  const ofHandles = Object.getPrototypeOf(handle);
  await handle.close();
  const points = {
    lock: () => {
      fs.mkdir = (path, ...rest) => {
        if (!path.endsWith('.lock')) return mkdir(path, ...rest);
        fs.mkdirSync(path);
        die();
      };
    },
    claim: () => {
      fs.promises.open = async (...given) => {
        await open(...given);
        die();
      };
    },
    write: () => {
      ofHandles.writeFile = async function (text) {
        await this.write(text.slice(0, text.length / 2));
        die();
      };
    },
    sync: () => {
      ofHandles.sync = die;
    },
    rename: () => {
      fs.promises.rename = die;
    },
    // It stands still just before the new file is put in place, until it is told to go on.
    stop: () => {
      fs.promises.rename = async (...given) => {
        fs.writeSync(1, 'standing still\n');
        process.kill(process.pid, 'SIGSTOP');
        await rename(...given);
      };
    },
    after: () => {
      fs.promises.rename = (from, to) => {
        fs.renameSync(from, to);
        die();
      };
    },
  };
  points[point]();
  syncBuiltinESMExports();
}

const store = await openStore();
const ledger =
  kind === 'steps' ? new VerificationLedger({ store }) : new CoordinationLedger({ store });
if (verb === 'add') await ledger.records.add(id, JSON.parse(params), JSON.parse(by));
else await ledger.records.move(verb, id, JSON.parse(params), JSON.parse(by));
process.exit(0);
