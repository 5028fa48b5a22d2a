// One product of Tryton in the unified model, mapped by hand as an integration in Node would: what
// connectors/tryton.yaml says of products.
// SPDX-License-Identifier: Apache-2.0
const pad = (number, width) => String(number).padStart(width, '0');

function time(value) {
  if (value === null || value === undefined) {
    return null;
  }
  const milliseconds = Math.floor(value.microsecond / 1000);
  return `${value.year}-${pad(value.month, 2)}-${pad(value.day, 2)}T${pad(value.hour, 2)}:` +
    `${pad(value.minute, 2)}:${pad(value.second, 2)}.${pad(milliseconds, 3)}Z`;
}

const key = (value) => (value === null || value === undefined ? null : String(value));
const decimal = (value) => (value ? Number(value.decimal) : null);

export function product(row) {
  const template = row['template.'];
  return {
    key: key(row.id), groupKey: null, organizationKey: null, uomKey: key(template.default_uom),
    code: row.code, name: template.name, description: row.description, type: template.type,
    isTaxable: null, taxKeys: null, status: null, price: decimal(row.list_price),
    currencyKey: null, quantity: row.quantity, sku: null, upc: null, ean: null, isbn: null,
    partNumber: null, dimensions: null, supplyOptions: null, priceLevels: null,
    createdAt: time(row.create_date), updatedAt: time(row.write_date ?? row.create_date),
    deletedAt: null,
  };
}
