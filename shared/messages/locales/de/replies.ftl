# Öffentliche Antworten, zugleich Betreffzeilen. Regeln: siehe en/replies.ftl.

reply-opener = { $variant ->
    [0] Erledigt!
    [1] Bitte sehr!
    [2] Alles klar!
   *[3] Gern!
}

reply-added = In Ihrem Warenkorb: { $item }
reply-quantity-changed = Anzahl von { $from } auf { $to } geändert: { $item }
reply-already-in-cart = Schon in Ihrem Warenkorb: { $item }
reply-preordered = Als Vorbestellung in Ihrem Warenkorb: { $item }
reply-preordered-on = Als Vorbestellung in Ihrem Warenkorb, erscheint am { $date }: { $item }
reply-removed = Entfernt: { $item }
reply-not-in-cart = War nicht in Ihrem Warenkorb: { $item }
reply-wished = Auf Ihrem Wunschzettel: { $item }
reply-superseded = Das haben Sie später geändert, und die spätere Änderung gilt: { $item }
reply-out-of-stock = Ausverkauft: { $item }
reply-deal-excluded = Ein befristetes Angebot, nur im Shop: { $item }
reply-digital-excluded = Ein Download, nur im Shop: { $item }
reply-restricted = Nicht per Beitrag bestellbar: { $item }
reply-wrong-marketplace = Das verkauft ein anderer unserer Shops. Bitte nehmen Sie den Hashtag { $tag }: { $item }
reply-wrong-marketplace-unnamed = Das verkauft ein anderer unserer Shops: { $item }
reply-choose-option = Was davon? Antworten Sie noch einmal auf den Beitrag und nennen Sie Ihre Wahl ({ $choices }): { $item }
reply-choose-option-in-cart = Was davon? Bitte wählen Sie in Ihrem Warenkorb: { $item }
reply-choose-product = Der Beitrag zeigt mehrere Produkte. Bitte wählen Sie in Ihrem Warenkorb.
reply-quantity-capped = { $asked } gewünscht, { $got } ist das Meiste für Ihren Warenkorb: { $item }
reply-unknown-product = Das Produkt hinter dem Link kennen wir nicht.
reply-no-product-link = Weder in Ihrem Beitrag noch in dem, auf den er antwortet, steht ein Produktlink.
reply-parent-unavailable = Wir können den Beitrag nicht lesen, auf den Sie geantwortet haben.
reply-cart-full = Ihr Warenkorb ist voll, nicht hinzugefügt: { $item }
reply-too-old = Der Beitrag ist zu alt für uns.
reply-not-linked = Gemerkt. Verknüpfen Sie einmal Ihr Konto, dann kommt es in Ihren Warenkorb. Der Link steht in unserem Profil.
reply-not-linked-here = Gemerkt. Verknüpfen Sie einmal Ihr Konto, dann kommt es in Ihren Warenkorb: { $url }
reply-rate-limited = Das war viel in kurzer Zeit. Bitte versuchen Sie es später noch einmal.
reply-blocked = Von diesem Konto nehmen wir keine Beiträge an.
reply-helped = Antworten Sie mit unserem Hashtag { $tag } auf einen Beitrag, der ein Produkt zeigt, und es landet in Ihrem Warenkorb. „x2“ für zwei, „{ $remove }“ nimmt es heraus, „{ $stop }“ beendet unsere Antworten.
reply-stopped = Wir antworten nicht mehr auf Ihre Beiträge. Schreiben Sie „{ $start }“ neben den Hashtag, um das zu ändern.
reply-started = Willkommen zurück. Wir antworten wieder auf Ihre Beiträge.
reply-purchased = Gekauft: { $item }
reply-erased = Der Beitrag wurde gelöscht und zählt nicht mehr.

reply-more = { $count ->
    [one] und { $count } weiteres
   *[other] und { $count } weitere
}
reply-summary = { $count ->
    [one] Eine Zeile Ihres Beitrags ist bearbeitet. Sehen Sie in Ihren Warenkorb.
   *[other] { $count } Zeilen Ihres Beitrags sind bearbeitet. Sehen Sie in Ihren Warenkorb.
}
