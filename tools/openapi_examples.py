"""Example records for the OpenAPI document: made from the fields' types and names, always the same."""
# SPDX-License-Identifier: Apache-2.0

TEXTS = {
    "name": "Pump station 3", "code": "PS-0003", "title": "Replace the seal of pump 3", "status": "open",
    "severity": "high", "email": "maintenance@example.com", "phone": "+49 89 1234567", "country": "DE",
    "city": "Munich", "postCode": "80331", "state": "Bavaria", "addressLines": "Werkstrasse 12",
    "addressee": "Example GmbH, Goods in", "currencyCode": "EUR", "serialNumber": "SN-48213",
    "manufacturerName": "Example Pumps", "makeName": "Example Pumps", "modelName": "EP-200",
    "description": "Centrifugal pump, 200 l/min", "instructions": "Lock out, drain, replace the seal, test for leaks.",
    "notes": "Spare seal is in storeroom B.", "url": "https://files.example.com/manual.pdf",
    "firstName": "Ada", "lastName": "Example", "partNumber": "4711-02", "uomName": "piece", "unit": "piece",
    "barcode": "4006381333931", "type": "standard", "category": "pumps", "categoryName": "pumps",
    "scope": "work-orders", "priority": "2", "website": "https://example.com", "vatNumber": "DE123456789",
}
NUMBERS = {"exchangeRate": 1.0875, "rate": 1.0875, "taxPercentage": 19, "quantity": 12, "price": 24.5, "cost": 18.2,
           "latitude": 48.1372, "longitude": 11.5756, "materialCount": 2, "estimatedTime": 1.5, "actualTime": 2}
TIMES = {"createdAt": "2026-01-12T09:30:00.000Z", "updatedAt": "2026-01-31T08:00:00.000Z", "deletedAt": None,
         "dueAt": "2026-02-14T00:00:00.000Z", "completedAt": None}


def text_of(name):
    if name in TEXTS:
        return TEXTS[name]
    for ending, value in (("Name", "Example"), ("Code", "EX-01"), ("Number", "4711"), ("Email", TEXTS["email"])):
        if name.endswith(ending):
            return value
    return name[0].upper() + "".join(" " + c.lower() if c.isupper() else c for c in name[1:])


def filter_of(fields):
    """The filter that is wanted most: changes since; otherwise an equality."""
    for field in fields:
        if field["name"] == "updatedAt":
            return {"updatedAt:gteq": "2026-01-31T08:00:00Z"}
    first = fields[0]
    value = {"number": 12, "boolean": True, "time": "2026-01-31"}.get(first["type"], text_of(first["name"]))
    return {first["name"]: value}


class Examples:
    """of(): a record of an entity, with nested records one level deep."""

    def __init__(self, entities):
        self._entities, self._keys = entities, {name: str(1000 + 7 * n) for n, name in enumerate(entities)}

    def value(self, field, deep):
        kind, name, entity = field["type"], field["name"], field.get("entity")
        if kind in ("object", "list"):
            if not entity or not deep:
                return None
            nested = self.of(entity, deep=False)
            return nested if kind == "object" else [nested]
        return {"key": self._keys.get(entity, "1042"), "ref": self._keys.get(entity, "1042"),
                "refs": [self._keys.get(entity, "1042")], "texts": ["Example"], "boolean": True,
                "number": NUMBERS.get(name, 12.5), "any": None,
                "time": TIMES.get(name, "2026-02-01T07:00:00.000Z")}.get(kind) if kind != "text" else text_of(name)

    def of(self, name, deep=True):
        record = {field["name"]: self.value(field, deep) for field in self._entities[name]["fields"]}
        if "key" in record:
            record["key"] = self._keys[name]
        return record
