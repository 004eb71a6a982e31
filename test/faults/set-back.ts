/** What a backup does to rotor's own tables, while issuers and destinations stay as they are. */
import type pg from 'pg';

const ours = `select format('%I.%I', schemaname, tablename) as name, tablename as short, schemaname as schema
  from pg_tables where schemaname in ('rotor', 'sealed')`;

interface Table {
  readonly name: string;
  readonly schema: string;
  readonly short: string;
}

export async function backUp(owner: pg.Pool): Promise<void> {
  const { rows } = await owner.query<Table>(ours);
  await owner.query('create schema backup');
  for (const { name, schema, short } of rows)
    await owner.query(`create table backup."${schema} ${short}" as table ${name}`);
}

/** All of it at once, past every rule, as a restored dump would. */
export async function setBack(owner: pg.Pool): Promise<void> {
  const { rows } = await owner.query<Table>(ours);
  const client = await owner.connect();
  await client.query('begin; set local session_replication_role = replica');
  await client.query(`truncate ${rows.map(({ name }) => name).join(', ')}`);
  for (const { name, schema, short } of rows) {
    const { rows: columns } = await client.query<{ names: string }>(
      `select string_agg(quote_ident(column_name), ', ') as names from information_schema.columns
       where table_schema = $1 and table_name = $2 and is_generated = 'NEVER'`,
      [schema, short],
    );
    const names = columns[0]?.names ?? '';
    await client.query(
      `insert into ${name} (${names}) overriding system value
       select ${names} from backup."${schema} ${short}"`,
    );
  }
  await client.query('commit');
  client.release();
}
