#!/usr/bin/python3
"""Fill an empty Tryton database with a small plant's data, in-process through proteus.

Run as a program by tests/systems/tryton.py, always under /usr/bin/python3 (Debian's modules live
there). Works on Tryton 6.0 (Debian 12) and 7.0 (Debian 13). What it makes is fixed: the tests count
on it, so a change here changes the template's hash and every cached template is made anew.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import datetime
import sys
from decimal import Decimal

from proteus import Model, Wizard
from proteus import config as proteus_config

VENDORS = [
    ("Kugellager Müller GmbH", "Straße der Einheit 12", "Düsseldorf", "40213"),
    ("Société Générale des Roulements", "5 rue de l'Évêché", "Orléans", "45000"),
    ("Hydraulika Łódź Sp. z o.o.", "ul. Piękna 7", "Łódź", "90-001"),
    ("Ñandú Repuestos S.A.", "Av. Peñón 44", "Logroño", "26001"),
    ("Çelik Bağlantı A.Ş.", "Şişli Yolu 3", "İzmir", "35000"),
    ("Ångström Mätteknik AB", "Västra Hamnen 9", "Malmö", "21115"),
    ("日本軸受株式会社", "丸の内 1-2-3", "東京", "100-0005"),
    ("Подшипник Сервис", "ул. Ленина 1", "Казань", "420000"),
    ("Γρανάζια ΑΕ", "Οδός Αθηνάς 8", "Πάτρα", "26221"),
    ("O'Brien & Sons \"Seals\" Ltd", "1 Mill Lane", "Cork", "T12 X8Y"),
    ("Dvořák Převodovky s.r.o.", "Náměstí Míru 2", "Plzeň", "30100"),
    ("Filtri D'Amico S.r.l.", "Via Città 11", "Forlì", "47121"),
    ("Smørestoff Ødegård AS", "Bjørnøyveien 5", "Tromsø", "9008"),
    ("Plain Parts Inc", "100 Main Street", "Springfield", "62701"),
]
CUSTOMERS = [
    ("Brauerei Weißbräu KG", "Hauptstraße 1", "Köln", "50667"),
    ("Papírna Štětí a.s.", "Průmyslová 4", "Štětí", "41108"),
    ("Northern Foods Ltd", "2 Dock Road", "Hull", "HU1 1AA"),
    ("Acme Foundry", "7 Furnace Way", "Sheffield", "S1 2HE"),
]
CATEGORIES = ["Bearings", "Seals", "Filters", "Lubricants", "Drives"]
GOODS = 136  # products SP-0000 .. SP-0135, besides the finished good and its parts
ORDERS = 30  # purchase orders


def first(model, domain):
    """The one record that matches; an absent one is a fault of the seed, said with its domain."""
    found = model.find(domain, limit=1)
    if not found:
        raise SystemExit(f"seed: no {model.__name__} matches {domain}")
    return found[0]


class Seed:
    """The steps, in the order that Tryton needs; each leaves what later steps use in fields."""

    def __init__(self, config):
        self.config = config
        self.today = datetime.date.today()

    def run(self):
        for step in (self.company, self.accounts, self.money, self.parties, self.products,
                     self.places, self.users, self.stock, self.purchases, self.receipts,
                     self.transfers, self.sales, self.production, self.requests, self.edits):
            print(f"seed: {step.__name__}", flush=True)
            step()

    def company(self):
        currency_model = Model.get("currency.currency")
        self.euro = currency_model(name="Euro", symbol="€", code="EUR", numeric_code="978",
                                   rounding=Decimal("0.01"), digits=2)
        self.euro.save()
        party = Model.get("party.party")(name="Plant GmbH")
        address = party.addresses[0] if party.addresses else party.addresses.new()
        address.street = "Werkstraße 1"
        address.city = "Ulm"
        address.postal_code = "89073"
        party.save()
        wizard = Wizard("company.company.config")
        wizard.execute("company")
        wizard.form.party = party
        wizard.form.currency = self.euro
        wizard.execute("add")
        self.config._context = dict(Model.get("res.user").get_preferences(True, {}))
        self.company_record = Model.get("company.company").find()[0]

    def accounts(self):
        data = Model.get("ir.model.data")
        charts = data.find([("module", "=", "account"), ("model", "=", "account.account.template"),
                            ("fs_id", "in", ["account_template_root_en",
                                             "account_chart_template_universal"])], limit=1)
        template = Model.get("account.account.template")(charts[0].db_id)
        wizard = Wizard("account.create_chart")
        wizard.execute("account")
        wizard.form.account_template = template
        wizard.form.company = self.company_record
        wizard.execute("create_account")
        account = Model.get("account.account")
        self.account = {kind: first(account, [("type." + kind, "=", True),
                                              ("company", "=", self.company_record.id)])
                        for kind in ("receivable", "payable", "revenue", "expense")}
        self.account["tax"] = first(account, [("name", "ilike", "%tax%"), ("closed", "!=", True),
                                              ("type.statement", "=", "balance"),
                                              ("company", "=", self.company_record.id)])
        wizard.form.account_receivable = self.account["receivable"]
        wizard.form.account_payable = self.account["payable"]
        wizard.execute("create_properties")

    def money(self):
        currency = Model.get("currency.currency")
        for name, symbol, code, number, rate in (("US Dollar", "US$", "USD", "840", "1.08"),
                                                 ("Pound Sterling", "£", "GBP", "826", "0.85")):
            record = currency(name=name, symbol=symbol, code=code, numeric_code=number,
                              rounding=Decimal("0.01"), digits=2)
            line = record.rates.new()
            line.date = datetime.date(2026, 1, 1)
            line.rate = Decimal(rate)
            record.save()
        rate = self.euro.rates.new()
        rate.date = datetime.date(2026, 1, 1)
        rate.rate = Decimal("1.0")
        self.euro.save()
        self.dollar = first(currency, [("code", "=", "USD")])
        tax = Model.get("account.tax")
        self.taxes = []
        for name, rate in (("VAT 19 %", "0.19"), ("VAT 7 %", "0.07")):
            record = tax(name=name, description=name, type="percentage", rate=Decimal(rate))
            record.invoice_account = self.account["tax"]
            record.credit_note_account = self.account["tax"]
            record.save()
            self.taxes.append(record)
        term = Model.get("account.invoice.payment_term")(name="30 days")
        line = term.lines.new()
        line.type = "remainder"
        delta = line.relativedeltas.new()
        delta.days = 30
        term.save()
        self.term = term

    def parties(self):
        model = Model.get("party.party")

        def make(code, row, customer):
            party = model(name=row[0], code=code)
            address = party.addresses[0] if party.addresses else party.addresses.new()
            address.street, address.city, address.postal_code = row[1], row[2], row[3]
            mail = party.contact_mechanisms.new()
            mail.type = "email"
            mail.value = f"office@{code.lower()}.example.com"
            phone = party.contact_mechanisms.new()
            phone.type = "phone"
            phone.value = "+49 731 5550" + code[-3:]
            setattr(party, "customer_payment_term" if customer else "supplier_payment_term",
                    self.term)
            party.save()
            return party

        self.vendors = [make(f"V{i + 1:04d}", row, False) for i, row in enumerate(VENDORS)]
        self.customers = [make(f"C{i + 1:04d}", row, True) for i, row in enumerate(CUSTOMERS)]

    def products(self):
        category = Model.get("product.category")
        accounting = category(name="Goods", accounting=True)
        accounting.account_expense = self.account["expense"]
        accounting.account_revenue = self.account["revenue"]
        accounting.supplier_taxes.append(self.taxes[0])
        accounting.save()
        self.accounting = accounting
        categories = []
        for name in CATEGORIES:
            record = category(name=name)
            record.save()
            categories.append(record)
        uom = Model.get("product.uom")
        self.unit = first(uom, [("symbol", "=", "u")])
        units = [self.unit, first(uom, [("symbol", "=", "kg")]), first(uom, [("symbol", "=", "m")]),
                 first(uom, [("symbol", "in", ["l", "L"])])]
        template = Model.get("product.template")
        rows = []
        for i in range(GOODS):
            group = i % len(CATEGORIES)
            unit = units[(0, 0, 0, 3, 2)[group]]
            rows.append({
                "name": f"{CATEGORIES[group][:-1]} {6200 + i}", "code": f"SP-{i:04d}",
                "type": "goods", "default_uom": unit.id, "purchase_uom": unit.id,
                "sale_uom": unit.id, "purchasable": True, "salable": i % 3 == 0,
                "list_price": Decimal(i * 7 + 105) / 10,
                "cost_price_method": "average" if i % 4 == 0 else "fixed",
                "account_category": accounting.id, "categories": [("add", [categories[group].id])],
                "products": [("create", [{"cost_price": Decimal(i * 5 + 61) / 10}
                                         if i % 2 == 0 else {}])],
            })
        template._proxy.create(rows, self.config.context)
        template._proxy.create([{
            "name": "Commissioning, hourly", "code": "SV-0001", "type": "service",
            "default_uom": first(uom, [("symbol", "=", "h")]).id, "list_price": Decimal("95.00"),
            "account_category": accounting.id, "products": [("create", [{}])]}], self.config.context)
        product = Model.get("product.product")
        # Tryton groups what it creates at once, so ids do not follow the codes.
        self.goods = sorted(product.find([("template.code", "like", "SP-%")]),
                            key=lambda item: item.code)

    def places(self):
        location = Model.get("stock.location")
        self.storage = first(location, [("code", "=", "STO")])
        self.warehouse = first(location, [("type", "=", "warehouse")])
        self.lost = first(location, [("type", "=", "lost_found")])
        zones = {}
        for code, name in (("IN2", "Eingang Süd"), ("OUT2", "Ausgang Süd"), ("STO2", "Lager Süd")):
            zones[code] = location(name=name, code=code, type="storage")
            zones[code].save()
        self.second = location(name="Werk Süd", code="WH2", type="warehouse",
                               input_location=zones["IN2"], output_location=zones["OUT2"],
                               storage_location=zones["STO2"])
        self.second.lost_found_location = self.lost
        self.second.production_location = first(location, [("type", "=", "production")])
        self.second.save()
        self.south = zones["STO2"]
        self.bins = []
        for row in "AB":
            for number in range(1, 4):
                record = location(name=f"Rack {row}-{number}", code=f"{row}{number}",
                                  type="storage", parent=self.storage)
                record.save()
                self.bins.append(record)
        owner = self.vendors[0]
        owner.supplier_location = first(location, [("type", "=", "supplier")])
        owner.save()

    def users(self):
        party = Model.get("party.party")
        employee = Model.get("company.employee")
        user = Model.get("res.user")
        for name, login in (("Jürgen Groß", "planner"), ("Zoë Núñez", "buyer")):
            person = party(name=name)
            person.save()
            worker = employee(party=person, company=self.company_record)
            worker.save()
            user._proxy.create([{
                "name": name, "login": login, "email": f"{login}@example.com",
                "companies": [("add", [self.company_record.id])],
                "company": self.company_record.id, "employees": [("add", [worker.id])],
                "employee": worker.id}], self.config.context)

    def stock(self):
        """Stock on hand comes from counted inventories, one in each place."""
        model = Model.get("stock.inventory")
        plan = ((self.storage, self.goods[:60], 25), (self.bins[0], self.goods[60:80], 12),
                (self.bins[4], self.goods[60:70], 4), (self.south, self.goods[:20], 8))
        for place, goods, base in plan:
            inventory = model(location=place, date=self.today)
            for i, item in enumerate(goods):
                line = inventory.lines.new()
                line.product = item
                line.quantity = float(base + i)
            inventory.save()
            inventory.click("confirm")

    def purchases(self):
        """30 orders with 1-4 lines: 0-5 draft, 6-9 quotation, 10-25 processing, 26-29 cancelled."""
        model = Model.get("purchase.purchase")
        self.orders = []
        for i in range(ORDERS):
            order = model(party=self.vendors[i % len(self.vendors)])
            order.payment_term = self.term
            order.purchase_date = datetime.date(2026, 1 + i % 10, 1 + i % 28)
            order.reference = f"REQ-{i:02d}"
            order.description = f"Ersatzteile für Linie {i % 4 + 1}"
            if i % 7 == 6:
                order.currency = self.dollar
            order.warehouse = self.second if i % 9 == 8 else self.warehouse
            for j in range(1 + i % 4):
                line = order.lines.new()
                line.product = self.goods[(i * 3 + j) % len(self.goods)]
                line.quantity = float(2 + j + i % 5)
                line.unit_price = Decimal("12.34") + Decimal(i) + Decimal(j) / 10
                if j == 2:
                    line.description = "Nachlieferung möglich"
            order.save()
            if 6 <= i:
                order.click("quote")
            if 10 <= i < 26:
                order.click("confirm")
                if order.state == "confirmed":
                    order.click("process")
            elif i >= 26:
                order.click("cancel")
            self.orders.append(order)

    def receipts(self):
        """The first six processed orders are delivered and put away; two more are only received."""
        shipment_model = Model.get("stock.shipment.in")
        move_model = Model.get("stock.move")
        for i, order in enumerate(self.orders[10:18]):
            order.reload()
            shipment = shipment_model(supplier=order.party, warehouse=order.warehouse,
                                      company=self.company_record)
            shipment.effective_date = self.today
            shipment.reference = f"DN-{i:03d}"
            for move in order.moves:
                shipment.incoming_moves.append(move_model(id=move.id))
            shipment.save()
            shipment.click("receive")
            if i < 6:
                shipment.click("done")

    def transfers(self):
        model = Model.get("stock.shipment.internal")
        for i in range(6):
            target = self.south if i % 2 else self.bins[i % len(self.bins)]
            shipment = model(from_location=self.storage, to_location=target,
                             company=self.company_record)
            shipment.planned_date = self.today
            shipment.reference = f"TR-{i:03d}"
            for j in range(1 + i % 3):
                move = shipment.moves.new()
                move.product = self.goods[i * 4 + j]
                move.quantity = float(1 + j)
                move.from_location = self.storage
                move.to_location = target
                move.currency = self.euro
            shipment.save()
            if i == 0:
                continue
            shipment.click("wait")
            if i == 1:
                continue
            shipment.click("assign_try")
            if shipment.state == "assigned" and i >= 3 and shipment.from_location and not i % 2:
                shipment.click("done")

    def sales(self):
        model = Model.get("sale.sale")
        for i in range(5):
            sale = model(party=self.customers[i % len(self.customers)])
            sale.payment_term = self.term
            sale.warehouse = self.warehouse
            sale.sale_date = datetime.date(2026, 3 + i, 10)
            sale.reference = f"SO-REF-{i}"
            for j in range(1 + i % 2):
                line = sale.lines.new()
                line.product = self.goods[(i * 3 + j * 3) % 60 // 3 * 3]
                line.quantity = float(1 + j)
                line.unit_price = Decimal("20.50") + Decimal(i)
            sale.save()
            if i >= 1:
                sale.click("quote")
            if i >= 3:
                sale.click("confirm")
                if sale.state == "confirmed":
                    sale.click("process")

    def production(self):
        template = Model.get("product.template")(
            name="Gearbox assembly", code="FG-0001", type="goods", default_uom=self.unit,
            list_price=Decimal("480"), producible=True, account_category=self.accounting)
        template.save()
        made = template.products[0]
        made.cost_price = Decimal("310")
        made.save()
        bom = Model.get("production.bom")(name="Gearbox assembly")
        for item, quantity in ((self.goods[0], 2.0), (self.goods[1], 4.0), (self.goods[5], 1.0)):
            line = bom.inputs.new()
            line.product = item
            line.quantity = quantity
        output = bom.outputs.new()
        output.product = made
        output.quantity = 1.0
        bom.save()
        link = made.boms.new()
        link.bom = bom
        made.save()
        model = Model.get("production")
        for i in range(4):
            order = model()
            order.planned_date = self.today
            order.warehouse = self.warehouse
            order.product = made
            order.bom = bom
            order.quantity = float(1 + i)
            order.reference = f"MO-{i:03d}"
            order.save()
            if i >= 1:
                order.click("wait")
            if i >= 2:
                order.click("assign_try")
            if i >= 3 and order.state == "assigned":
                order.click("run")

    def requests(self):
        """Purchase requests come from order points: 100 wanted of five goods that nobody holds."""
        point = Model.get("stock.order_point")
        for item in self.goods[100:105]:
            record = point(product=item, type="purchase")
            record.warehouse_location = self.warehouse
            record.min_quantity = 10.0
            record.target_quantity = 100.0
            record.save()
        wizard = Wizard("stock.supply")
        wizard.execute("create_")

    def edits(self):
        """Some records change after they were made, so that their change time is not null."""
        for party in self.vendors[:5]:
            Model.get("party.party")._proxy.write([party.id], {"name": party.name},
                                                  self.config.context)
        product = Model.get("product.product")
        product._proxy.write([p.id for p in self.goods[10:20]], {"description": "geprüft"},
                             self.config.context)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, help="trytond's configuration file")
    parser.add_argument("--database", required=True)
    arguments = parser.parse_args()
    config = proteus_config.set_trytond(database=arguments.database, user="admin",
                                        config_file=arguments.config)
    config._context = {}
    Seed(config).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
