# Öffentliche Antworten, zugleich Betreffzeilen. Regeln: siehe en/replies.ftl.

reply-opener = { $variant ->
    [0] Erledigt!
    [1] Bitte sehr!
    [2] Alles klar!
   *[3] Gern!
}

reply-added = In deinem Warenkorb: { $item }
reply-quantity-changed = Anzahl von { $from } auf { $to } geändert: { $item }
reply-already-in-cart = Schon in deinem Warenkorb: { $item }
reply-preordered = Als Vorbestellung in deinem Warenkorb: { $item }
reply-preordered-on = Als Vorbestellung in deinem Warenkorb, erscheint am { $date }: { $item }
reply-removed = Entfernt: { $item }
reply-not-in-cart = War nicht in deinem Warenkorb: { $item }
reply-wished = Auf deiner Wunschliste: { $item }
reply-superseded = Das hast du später geändert, und die spätere Änderung gilt: { $item }
reply-out-of-stock = Ausverkauft: { $item }
reply-deal-excluded = Ein befristetes Angebot, nur im Shop: { $item }
reply-digital-excluded = Ein Download, nur im Shop: { $item }
reply-restricted = Nicht per Post bestellbar: { $item }
reply-wrong-marketplace = Das verkauft ein anderer unserer Shops. Bitte nimm das Tag { $tag }: { $item }
reply-wrong-marketplace-unnamed = Das verkauft ein anderer unserer Shops: { $item }
reply-choose-option = Was davon? Antworte noch einmal auf den Post und nenne deine Wahl ({ $choices }): { $item }
reply-choose-option-in-cart = Was davon? Bitte wähle in deinem Warenkorb: { $item }
reply-choose-product = Der Post zeigt mehrere Produkte. Bitte wähle in deinem Warenkorb.
reply-quantity-capped = { $asked } gewünscht, { $got } ist das Meiste für deinen Warenkorb: { $item }
reply-unknown-product = Das Produkt hinter dem Link kennen wir nicht.
reply-no-product-link = Weder in deinem Post noch in dem, auf den er antwortet, steht ein Produktlink.
reply-parent-unavailable = Wir können den Post nicht lesen, auf den du geantwortet hast.
reply-cart-full = Dein Warenkorb ist voll, nicht hinzugefügt: { $item }
reply-too-old = Der Post ist zu alt für uns.
reply-not-linked = Gemerkt. Verbinde einmal dein Konto, dann kommt es in deinen Warenkorb. Der Link steht in unserem Profil.
reply-not-linked-here = Gemerkt. Verbinde einmal dein Konto, dann kommt es in deinen Warenkorb: { $url }
reply-rate-limited = Das war viel in kurzer Zeit. Bitte versuch es später noch einmal.
reply-blocked = Von diesem Konto nehmen wir keine Posts an.
reply-helped = Antworte mit unserem Tag { $tag } auf einen Post, der ein Produkt zeigt, und es landet in deinem Warenkorb. „x2“ für zwei, „entfernen“ nimmt es heraus, „stopp“ beendet unsere Antworten.
reply-stopped = Wir antworten nicht mehr auf deine Posts. Schreib „start“ neben das Tag, um das zu ändern.
reply-started = Willkommen zurück. Wir antworten wieder auf deine Posts.
reply-purchased = Gekauft: { $item }
reply-erased = Der Post wurde gelöscht und zählt nicht mehr.

reply-more = { $count ->
    [one] und { $count } weiteres
   *[other] und { $count } weitere
}
reply-summary = { $count ->
    [one] Eine Zeile deines Posts ist bearbeitet. Sieh in deinen Warenkorb.
   *[other] { $count } Zeilen deines Posts sind bearbeitet. Sieh in deinen Warenkorb.
}
