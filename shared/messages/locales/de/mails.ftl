# Mails.

mail-subject-many = { $count ->
    [one] Dein Post: eine Antwort von { $brand }
   *[other] Dein Post: { $count } Antworten von { $brand }
}
mail-greeting = Hallo,
mail-greeting-handle = Hallo { $handle },
mail-intro = das ist aus deinem Post geworden.

mail-added = Es liegt in deinem Warenkorb und bleibt dort, bis du es kaufst oder entfernst.
mail-quantity-changed = In deinem Warenkorb waren { $from } davon, jetzt sind es { $to }.
mail-already-in-cart = Es lag schon in deinem Warenkorb, also hat sich nichts geändert.
mail-preordered = Es liegt als Vorbestellung in deinem Warenkorb und wird geliefert, sobald es erscheint.
mail-preordered-on = Es liegt als Vorbestellung in deinem Warenkorb und erscheint am { $date }.
mail-removed = Es ist nicht mehr in deinem Warenkorb oder auf deiner Wunschliste.
mail-not-in-cart = Es war nicht in deinem Warenkorb, also gab es nichts zu entfernen.
mail-wished = Es steht auf deiner Wunschliste.
mail-superseded = Du hast das später geändert, und die spätere Änderung gilt. Dein Post kam nach ihr an.
mail-out-of-stock = Es ist ausverkauft und wurde deshalb nicht hinzugefügt.
mail-deal-excluded = Es ist ein befristetes Angebot. Solche Angebote kann ein Warenkorb nicht festhalten: bitte kauf es im Shop.
mail-digital-excluded = Es ist ein Download. Downloads kaufst du im Shop.
mail-restricted = Es lässt sich nicht per Post bestellen. Bitte besuch den Shop.
mail-wrong-marketplace = Ein anderer unserer Shops verkauft es. Bitte nimm für ihn das Tag { $tag }.
mail-wrong-marketplace-unnamed = Ein anderer unserer Shops verkauft es.
mail-choose-option = Davon gibt es mehrere. Bitte wähle in deinem Warenkorb:
mail-quantity-capped = Du wolltest { $asked }. Mehr als { $got } können wir nicht in deinen Warenkorb legen.
mail-unknown-product = Das Produkt hinter dem Link kennen wir nicht. Vielleicht ist es neu oder nicht mehr im Shop.
mail-no-product-link = Weder in deinem Post noch in dem, auf den er antwortet, steht ein Produktlink.
mail-parent-unavailable = Wir können den Post nicht lesen, auf den du geantwortet hast. Vielleicht ist er gelöscht oder geschützt.
mail-cart-full = Dein Warenkorb ist voll, deshalb wurde es nicht hinzugefügt. Entferne etwas und poste noch einmal.
mail-too-old = Der Post ist zu alt für uns.
mail-not-linked = Dein Konto war noch nicht verbunden. Wir haben es uns gemerkt.
mail-rate-limited = Das war viel in kurzer Zeit, deshalb haben wir dies ausgelassen. Bitte versuch es später noch einmal.
mail-blocked = Von diesem Konto nehmen wir keine Posts an. Wenn du das für einen Irrtum hältst, schreib uns bitte.
mail-helped = Antworte mit unserem Tag { $tag } auf einen Post, der ein Produkt zeigt. „x2“ für zwei, eine Größe oder Farbe zum Wählen, „entfernen“ nimmt es wieder heraus, „stopp“ beendet unsere Antworten.
mail-stopped = Wir antworten nicht mehr auf deine Posts. Schreib „start“ neben das Tag oder nimm die Einstellungen, um das zu ändern.
mail-started = Willkommen zurück. Wir antworten wieder auf deine Posts.
mail-purchased = Du hast { $quantity } davon gekauft; es hat deinen Warenkorb verlassen.
mail-erased = Du hast den Post gelöscht; worum er bat, zählt nicht mehr.

mail-quantity = Anzahl: { $quantity }
mail-price = Preis: { $price }
mail-picture = Bild von { $title }
mail-button-cart = Warenkorb öffnen
mail-post = Dein Post
mail-reason = Du bekommst diese Mail, weil du dein Konto { $account } mit { $brand } verbunden und mit unserem Tag gepostet hast.
mail-preferences = Einstellungen
mail-unsubscribe = Diese Mails beenden
mail-support = Fragen? { $support }
mail-prices-change = Die Preise sind die vom Augenblick deines Posts. Was du zahlst, zeigt die Kasse.

sign-in-subject = Dein Anmeldelink für { $brand }
sign-in-intro = jemand, hoffentlich du, möchte sich bei deinem Warenkorb von { $brand } anmelden.
sign-in-button = Anmelden
sign-in-expiry = { $minutes ->
    [one] Der Link gilt einmal und eine Minute lang.
   *[other] Der Link gilt einmal und { $minutes } Minuten lang.
}
sign-in-ignore = Wenn du es nicht warst, tu nichts: ohne diese Mail kommt niemand hinein.

confirm-subject = Bestätige deine Adresse für { $brand }
confirm-intro = du hast { $account } mit { $brand } verbunden. Bitte bestätige, dass diese Adresse dir gehört.
confirm-button = Adresse bestätigen
confirm-expiry = { $minutes ->
    [one] Der Link gilt einmal und eine Minute lang.
   *[other] Der Link gilt einmal und { $minutes } Minuten lang.
}
confirm-ignore = Wenn du es nicht warst, tu nichts: ohne Bestätigung bleibt das Konto unverbunden.
