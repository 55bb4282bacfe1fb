# E‑Mails.

mail-subject-many = { $count ->
    [one] Ihr Beitrag: eine Antwort von { $brand }
   *[other] Ihr Beitrag: { $count } Antworten von { $brand }
}
mail-greeting = Guten Tag,
mail-greeting-handle = Guten Tag { $handle },
mail-intro = das ist aus Ihrem Beitrag geworden.

mail-added = Es liegt in Ihrem Warenkorb und bleibt dort, bis Sie es kaufen oder entfernen.
mail-quantity-changed = In Ihrem Warenkorb waren { $from } davon, jetzt sind es { $to }.
mail-already-in-cart = Es lag schon in Ihrem Warenkorb, also hat sich nichts geändert.
mail-preordered = Es liegt als Vorbestellung in Ihrem Warenkorb und wird geliefert, sobald es erscheint.
mail-preordered-on = Es liegt als Vorbestellung in Ihrem Warenkorb und erscheint am { $date }.
mail-removed = Es ist nicht mehr in Ihrem Warenkorb oder auf Ihrem Wunschzettel.
mail-not-in-cart = Es war nicht in Ihrem Warenkorb, also gab es nichts zu entfernen.
mail-wished = Es steht auf Ihrem Wunschzettel.
mail-superseded = Sie haben das später geändert, und die spätere Änderung gilt. Ihr Beitrag kam nach ihr an.
mail-out-of-stock = Es ist ausverkauft und wurde deshalb nicht hinzugefügt.
mail-deal-excluded = Es ist ein befristetes Angebot. Solche Angebote kann ein Warenkorb nicht festhalten: bitte kaufen Sie es im Shop.
mail-digital-excluded = Es ist ein Download. Downloads kaufen Sie im Shop.
mail-restricted = Es lässt sich nicht per Beitrag bestellen. Bitte besuchen Sie den Shop.
mail-wrong-marketplace = Ein anderer unserer Shops verkauft es. Bitte nehmen Sie für ihn den Hashtag { $tag }.
mail-wrong-marketplace-unnamed = Ein anderer unserer Shops verkauft es.
mail-choose-option = Davon gibt es mehrere. Bitte wählen Sie in Ihrem Warenkorb:
mail-quantity-capped = Sie wollten { $asked }. Mehr als { $got } können wir nicht in Ihren Warenkorb legen.
mail-unknown-product = Das Produkt hinter dem Link kennen wir nicht. Vielleicht ist es neu oder nicht mehr im Shop.
mail-no-product-link = Weder in Ihrem Beitrag noch in dem, auf den er antwortet, steht ein Produktlink.
mail-parent-unavailable = Wir können den Beitrag nicht lesen, auf den Sie geantwortet haben. Vielleicht ist er gelöscht oder geschützt.
mail-cart-full = Ihr Warenkorb ist voll, deshalb wurde es nicht hinzugefügt. Entfernen Sie etwas und antworten Sie noch einmal.
mail-too-old = Der Beitrag ist zu alt für uns.
mail-not-linked = Ihr Konto war noch nicht verknüpft. Wir haben es uns gemerkt.
mail-rate-limited = Das war viel in kurzer Zeit, deshalb haben wir dies ausgelassen. Bitte versuchen Sie es später noch einmal.
mail-blocked = Von diesem Konto nehmen wir keine Beiträge an. Wenn Sie das für einen Irrtum halten, schreiben Sie uns bitte.
mail-helped = Antworten Sie mit unserem Hashtag { $tag } auf einen Beitrag, der ein Produkt zeigt. „x2“ für zwei, eine Größe oder Farbe zum Wählen, „{ $remove }“ nimmt es wieder heraus, „{ $stop }“ beendet unsere Antworten.
mail-stopped = Wir antworten nicht mehr auf Ihre Beiträge und schreiben Ihnen nicht mehr. Schreiben Sie „{ $start }“ neben den Hashtag, um das zu ändern.
mail-started = Willkommen zurück. Wir antworten wieder auf Ihre Beiträge.
mail-purchased = Sie haben { $quantity } davon gekauft; es hat Ihren Warenkorb verlassen.
mail-erased = Sie haben den Beitrag gelöscht; worum er bat, zählt nicht mehr.

mail-quantity = Anzahl: { $quantity }
mail-price = Preis: { $price }
mail-picture = Bild von { $title }
mail-button-cart = Warenkorb öffnen
mail-post = Ihr Beitrag
mail-reason = Sie bekommen diese E‑Mail, weil Sie Ihr Konto { $account } mit { $brand } verknüpft und einen Beitrag mit unserem Hashtag geschrieben haben.
mail-preferences = Einstellungen
mail-unsubscribe = Diese E‑Mails beenden
mail-support = Fragen? { $support }
mail-prices-change = Die Preise sind die vom Augenblick Ihres Beitrags. Was Sie zahlen, zeigt die Kasse.

sign-in-subject = Ihr Anmeldelink für { $brand }
sign-in-intro = jemand, hoffentlich Sie, möchte sich bei Ihrem Warenkorb von { $brand } anmelden.
sign-in-button = Anmelden
sign-in-expiry = { $minutes ->
    [one] Der Link gilt einmal und eine Minute lang.
   *[other] Der Link gilt einmal und { $minutes } Minuten lang.
}
sign-in-ignore = Wenn Sie es nicht waren, tun Sie nichts: ohne diese E‑Mail kommt niemand hinein.

confirm-subject = Bestätigen Sie Ihre Adresse für { $brand }
confirm-intro = Sie haben { $account } mit { $brand } verknüpft. Bitte bestätigen Sie, dass diese Adresse Ihnen gehört.
confirm-button = Adresse bestätigen
confirm-expiry = { $minutes ->
    [one] Der Link gilt einmal und eine Minute lang.
   *[other] Der Link gilt einmal und { $minutes } Minuten lang.
}
confirm-ignore = Wenn Sie es nicht waren, tun Sie nichts: ohne Bestätigung bleibt das Konto unverknüpft.
