### Unsere eigenen Seiten: Verknüpfen, Warenkorb, Einstellungen, Fehler. Jede Kennung beginnt mit `page-`.

## Der Rahmen

page-skip = Zum Inhalt springen
page-nav = Hauptmenü
page-nav-cart = Warenkorb
page-nav-settings = Einstellungen
page-nav-sign-in = Anmelden
page-nav-how = So funktioniert’s
page-languages = Sprache
page-support = Hilfe von einem Menschen
page-button-sign-out = Abmelden

## So funktioniert es (die Startseite des Verknüpfens)

page-start-title = Mit einer Antwort auf einen Beitrag in den { $brand }-Warenkorb
page-start-lead = Etwas in Ihrer Timeline gefällt Ihnen. Antworten Sie auf den Beitrag, und es wartet in Ihrem Warenkorb. Nichts zu installieren, und Sie bleiben, wo Sie sind.
page-start-step-1-title = Einmal das Konto verknüpfen
page-start-step-1-text = Sie zeigen, dass ein Konto Ihnen gehört, und nennen eine E‑Mail-Adresse. Das dauert eine Minute.
page-start-step-2-title = Auf einen Beitrag antworten
page-start-step-2-text = Zeigt ein Beitrag eines unserer Produkte, antworten Sie mit #{ $tag }. Mit „x2“ werden es zwei; auch eine Größe können Sie nennen.
page-start-step-3-title = Kaufen, wann Sie möchten
page-start-step-3-text = Das Produkt bleibt im Warenkorb, bis Sie es entfernen oder kaufen. Eine Antwort allein kauft nie etwas.
page-start-link-title = Ein Konto verknüpfen
page-start-link-button = { $network } verknüpfen
page-start-link-at-network = Öffnen Sie { $network } und wählen Sie dort „Mein Konto verknüpfen“.
page-start-link-none = Das Verknüpfen wird gerade eingerichtet. Bitte schauen Sie etwas später wieder vorbei.
page-start-have-account = Schon verknüpft?
page-start-faq-title = Fragen und Antworten
page-faq-what-q = Was geschieht hier?
page-faq-what-a = Wir lesen Beiträge mit #{ $tag }, finden das Produkt in dem Beitrag, auf den Sie geantwortet haben, und legen es in Ihren Warenkorb bei { $brand }. Sie bekommen eine E‑Mail und, wo das Netzwerk es erlaubt, eine kurze Antwort.
page-faq-say-q = Was kann ich schreiben?
page-faq-say-add = #{ $tag } legt das Produkt in den Warenkorb. „x2“ bestimmt die Anzahl; „Größe M“ oder „rot“ wählt aus.
page-faq-say-remove = #{ $tag } mit „entfernen“ nimmt es wieder heraus. Löschen Sie Ihren Beitrag, geschieht dasselbe.
page-faq-say-wish = #{ $tag } setzt es auf den Wunschzettel.
page-faq-say-help = „hilfe“, „stopp“ und „start“ neben dem Hashtag tun, was sie sagen.
page-faq-public-q = Was wird öffentlich?
page-faq-public-a = Schreiben Sie öffentlich, ist Ihr Beitrag öffentlich: Wer ihn lesen kann, sieht, dass Sie sich für das Produkt interessieren. Unsere Antwort ist so öffentlich wie Ihr Beitrag. Sie enthält keinen Preis, keinen Code und keine Adresse, bei manchen Produkten nicht einmal den Namen. Warenkorb, Wunschzettel und E‑Mail-Adresse zeigen wir niemandem.
page-faq-keep-q = Was speichern Sie, und wie lange?
page-faq-keep-account = Kennung und Namen des verknüpften Kontos und Ihre E‑Mail-Adresse, bis Sie die Verknüpfung lösen oder alles löschen.
page-faq-keep-cart = Warenkorb und Wunschzettel, bis Sie etwas entfernen oder kaufen. Den Wortlaut Ihrer Beiträge behalten wir nicht.
page-faq-keep-parked = Ist Ihr Konto noch nicht verknüpft: was Sie haben wollten, { $days ->
    [one] einen Tag
   *[other] { $days } Tage
  } lang, damit es beim Verknüpfen nicht verloren ist. Danach wird es gelöscht.
page-faq-keep-access = Von { $network } erfahren wir, wer Sie sind, sonst nichts. Wir können nicht in Ihrem Namen schreiben und behalten keinen Zugang zu Ihrem Konto.
page-faq-keep-cookies = Cookies nur für das, was Sie hier tun: eines hält Sie höchstens { $days } Tage angemeldet, eines schützt Formulare, eines merkt sich die Sprache. Nichts, was Ihnen anderswohin folgt.
page-faq-stop-q = Wie höre ich auf?
page-faq-stop-a = Schreiben Sie „stopp“ neben den Hashtag, nutzen Sie den Link in einer unserer E‑Mails oder schalten Sie Antworten und E‑Mails in den Einstellungen aus. Dort können Sie auch die Verknüpfung lösen oder alles auf einmal löschen.
page-faq-which-q = Welche Netzwerke kann ich verknüpfen?
page-faq-which-a = Zurzeit: { $networks }. Mehrere können zu einem Warenkorb gehören.
page-faq-not-linked-q = Ich habe vor dem Verknüpfen geantwortet. Ist das verloren?
page-faq-not-linked-a = Nein. Wir heben es { $days ->
    [one] einen Tag
   *[other] { $days } Tage
  } lang auf. Sobald Sie dieses Konto verknüpfen, kommt es in Ihren Warenkorb.

## Ein Konto verknüpfen

page-email-title = Wohin dürfen wir Ihnen schreiben?
page-email-lead = Sie haben gezeigt, dass dieses Konto Ihnen gehört. Nennen Sie nun eine E‑Mail-Adresse: Zu ihr gehört Ihr Warenkorb.
page-email-label = E‑Mail-Adresse
page-email-hint = Wir senden einen Link, um sie zu bestätigen. Danach nur, worum Sie bitten.
page-email-button = Link zusenden
page-email-not-you = Nicht Ihr Konto?
page-email-start-over = Von vorn beginnen
page-email-invalid = Das sieht nicht wie eine E‑Mail-Adresse aus. Sie braucht einen Teil vor dem @ und einen danach, wie name@example.com.
page-fault-summary = Bitte prüfen Sie eine Sache
page-inbox-title = Schauen Sie in Ihr Postfach
page-inbox-lead = Wenn diese Adresse E‑Mails empfangen kann, ist eine Nachricht mit einem Link unterwegs. Der Link gilt einmal und { $minutes } Minuten lang.
page-inbox-spam = Nichts da? Schauen Sie in den Spam-Ordner, oder warten Sie eine Minute und versuchen Sie es noch einmal.
page-inbox-again = Andere Adresse verwenden
page-confirm-title = Dieses Konto mit Ihrem Warenkorb verknüpfen?
page-confirm-lead = Was dieses Konto von nun an mit Antworten auf Beiträge verlangt, kommt in den Warenkorb von { $email }.
page-confirm-warn = Fahren Sie nur fort, wenn dieses Konto Ihnen gehört und Sie gerade darum gebeten haben. Kennen Sie es nicht, schließen Sie diese Seite: Dann geschieht nichts.
page-confirm-button = Ja, verknüpfen
page-linked-title = Verknüpft
page-linked-lead = Antworten Sie von nun an mit #{ $tag } auf einen Beitrag, und das Produkt liegt in Ihrem Warenkorb.
page-linked-released = { $posts ->
    [one] Ein früherer Beitrag von Ihnen kommt gerade in Ihren Warenkorb:
   *[other] { $posts } frühere Beiträge von Ihnen kommen gerade in Ihren Warenkorb:
  }
page-linked-moment = Das dauert einige Sekunden. Zu jedem bekommen Sie auch eine E‑Mail.
page-linked-button = Meinen Warenkorb öffnen
page-refused-title = Sie haben abgelehnt
page-refused-lead = { $network } sagt uns, dass Sie es nicht erlaubt haben. Es wurde nichts verknüpft.
page-link-expired-title = Dieser Link gilt nicht mehr
page-link-expired-lead = Er galt zur Sicherheit nur einmal und nur kurze Zeit. Haben Sie ihn selbst benutzt, ist alles gut: Ihr Konto ist verknüpft. Wenn nicht, beginnen Sie von vorn: Es geht schnell.
page-link-broken-title = Dieser Link stimmt nicht
page-link-broken-lead = Ein Teil fehlt oder wurde unterwegs verändert. Beginnen Sie bitte von vorn.
page-link-browser-title = Bitte in diesem Browser neu beginnen
page-link-browser-lead = Zu Ihrer Sicherheit muss dieser Schritt in dem Browser enden, in dem er begonnen wurde, und Cookies müssen erlaubt sein.
page-button-start-over = Von vorn beginnen
page-too-many-title = Das war viel in kurzer Zeit
page-too-many-lead = Um Postfächer zu schützen, senden wir nur wenige Links in der Stunde. Bitte versuchen Sie es später noch einmal.

## Anmelden

page-sign-in-title = Anmelden
page-sign-in-lead = Ohne Passwort. Nennen Sie Ihre E‑Mail-Adresse, und wir senden Ihnen einen Link.
page-sign-in-button = Link zusenden
page-sign-in-new = Neu hier?
page-sign-in-new-link = Ansehen, wie es geht, und ein Konto verknüpfen
page-sign-in-sent-lead = Wenn wir diese Adresse kennen, ist eine Nachricht mit einem Link unterwegs. Der Link gilt einmal und { $minutes } Minuten lang.
page-enter-title = Ihren Warenkorb öffnen
page-enter-lead = Ein Klick, damit nur Sie ihn öffnen und nicht ein Programm, das Ihre Post durchsieht.
page-enter-button = Meinen Warenkorb öffnen

## Der Warenkorb

page-cart-title = Ihr Warenkorb
page-cart-empty-title = Noch ist nichts da
page-cart-empty-text = Antworten Sie mit #{ $tag } auf einen Beitrag, der eines unserer Produkte zeigt: Dann wartet es hier.
page-cart-market = { $brand } · { $host }
page-cart-products = { $count ->
    [one] ein Produkt
   *[other] { $count } Produkte
  }
page-cart-quantity = Anzahl: { $title }
page-cart-update = Anzahl übernehmen: { $title }
page-cart-less = Eins weniger: { $title }
page-cart-more = Eins mehr: { $title }
page-cart-remove = Entfernen
page-cart-to-wish = Auf den Wunschzettel
page-cart-to-cart = In den Warenkorb
page-cart-total = Summe
page-cart-total-part = Summe ohne die Preise, die erst an der Kasse stehen
page-cart-at-checkout = Preis an der Kasse
page-cart-total-at-checkout = Steht an der Kasse
page-cart-checkout = Zur Kasse
page-cart-checkout-note = Sie kaufen bei { $host }. Vorher wird nichts bestellt.
page-cart-checkout-none = Davon lässt sich gerade nichts kaufen.
page-checkout-parts-title = Ihr Warenkorb geht in Teilen hinüber
page-checkout-parts-lead = Er ist zu lang für einen Schritt. Öffnen Sie die Teile nacheinander; der Shop fügt sie zusammen.
page-checkout-part = Teil { $part }
page-cart-wishes = Wunschzettel
page-cart-choices = Wartet auf Ihre Wahl
page-cart-choice = Was darf es sein?
page-cart-choose = In den Warenkorb
page-cart-choose-wish = Auf den Wunschzettel
page-cart-dismiss = Nein, danke
page-cart-gone = Nicht mehr im Sortiment
page-state-in-stock = Lieferbar
page-state-out-of-stock = Zurzeit nicht lieferbar
page-state-preorder = Vorbestellung
page-state-preorder-on = Vorbestellung: erhältlich ab { $date }
page-state-backorder = Nachbestellt
page-state-backorder-on = Nachbestellt: erwartet am { $date }
page-state-price-was = vorher
page-told-Added = In Ihren Warenkorb gelegt.
page-told-QuantityChanged = Anzahl geändert.
page-told-AlreadyInCart = Das liegt schon in Ihrem Warenkorb.
page-told-Preordered = Als Vorbestellung in Ihren Warenkorb gelegt.
page-told-Removed = Entfernt.
page-told-NotInCart = Das war nicht mehr da.
page-told-Wished = Auf Ihrem Wunschzettel.
page-told-Superseded = Sie haben das später schon geändert; die spätere Änderung gilt.
page-told-OutOfStock = Das ist zurzeit nicht lieferbar.
page-told-DealExcluded = Das ist ein befristetes Angebot: Sie können es nur im Shop kaufen.
page-told-DigitalExcluded = Das ist ein Download: Sie können ihn nur im Shop kaufen.
page-told-Restricted = Das können Sie nur im Shop kaufen.
page-told-WrongMarketplace = Das verkauft ein anderer unserer Shops.
page-told-ChooseOption = Bitte wählen Sie zuerst.
page-told-QuantityCapped = Mehr als { $got } geht nicht; in Ihrem Warenkorb sind nun { $got }.
page-told-UnknownProduct = Dieses Produkt kennen wir nicht mehr.
page-told-CartFull = Ihr Warenkorb ist voll. Entfernen Sie zuerst etwas.
page-told-TooOld = Das ist zu lange her.
page-told-RateLimited = Das war viel in kurzer Zeit. Bitte versuchen Sie es in ein paar Minuten noch einmal.
page-told-Blocked = Das geht nicht.

## Einstellungen

page-settings-title = Einstellungen
page-settings-replies = Antworten auf meine Beiträge
page-settings-replies-hint = Eine kurze öffentliche Antwort sagt, dass Ihr Beitrag angekommen ist, wo das Netzwerk es erlaubt.
page-settings-mails = E‑Mails zu meinem Warenkorb
page-settings-mails-hint = Eine E‑Mail nach jedem Beitrag. Links zum Bestätigen und Anmelden kommen immer.
page-settings-mails-undeliverable = E‑Mails an Ihre Adresse kamen zurück, darum senden wir keine mehr. Schalten Sie sie wieder ein, sobald es geht.
page-settings-on = An
page-settings-off = Aus
page-settings-turn-on = Einschalten
page-settings-turn-off = Ausschalten
page-settings-turn-on-named = Einschalten: { $what }
page-settings-turn-off-named = Ausschalten: { $what }
page-settings-language = Sprache von E‑Mails und Seiten
page-settings-save = Speichern
page-settings-accounts = Verknüpfte Konten
page-settings-accounts-none = Kein Konto ist verknüpft.
page-settings-linked-since = Verknüpft am { $date }
page-settings-unlink = Verknüpfung lösen
page-settings-unlink-named = Verknüpfung mit { $account } lösen
page-settings-link-more = Ein weiteres Konto verknüpfen
page-settings-email = Ihre Adresse
page-settings-session = Dieses Gerät
page-settings-session-hint = Hier bleiben Sie bis zu { $days } Tage angemeldet.
page-settings-delete-title = Alles löschen
page-settings-delete-hint = Warenkorb, Wunschzettel, verknüpfte Konten und Adresse. Das lässt sich nicht rückgängig machen.
page-settings-delete-button = Meine Daten löschen
page-settings-saved = Gespeichert.
page-settings-unlinked = Verknüpfung gelöst.
page-delete-title = Alles löschen?
page-delete-lead = Wir löschen Warenkorb und Wunschzettel, Einstellungen, verknüpfte Konten und E‑Mail-Adresse, sofort und endgültig. Bestellungen im Shop bleiben unberührt.
page-delete-button = Ja, alles löschen
page-delete-keep = Behalten
page-deleted-title = Gelöscht
page-deleted-lead = Alles, was wir über Sie wussten, ist fort. Wenn Sie möchten, können Sie jederzeit neu beginnen.

## Abbestellen

page-unsubscribe-title = Keine E‑Mails mehr?
page-unsubscribe-lead = Wir senden dann keine E‑Mails zu Ihrem Warenkorb mehr an { $email }. Ihr Warenkorb bleibt, wie er ist.
page-unsubscribe-button = E‑Mails beenden
page-unsubscribed-title = Diese E‑Mails kommen nicht mehr
page-unsubscribed-lead = Anders überlegt? In den Einstellungen schalten Sie sie wieder ein.

## Fehler

page-error-400-title = Das konnten wir nicht lesen
page-error-400-lead = In der Anfrage fehlte etwas, oder es war beschädigt. Gehen Sie zurück und versuchen Sie es noch einmal.
page-error-401-title = Bitte melden Sie sich an
page-error-401-lead = Diese Seite gehört nur Ihnen, darum müssen wir wissen, dass Sie es sind.
page-error-403-title = Dieses Formular ist veraltet
page-error-403-lead = Zu Ihrer Sicherheit haben wir es nicht angenommen: Es war zu lange offen, oder es kam nicht von dieser Seite. Laden Sie die Seite neu und versuchen Sie es noch einmal.
page-error-404-title = Hier ist nichts
page-error-404-lead = Vielleicht hat die Adresse einen Tippfehler, oder die Seite ist umgezogen.
page-error-405-title = So nicht
page-error-405-lead = Diese Adresse lässt sich so nicht benutzen. Beginnen Sie beim Warenkorb.
page-error-410-title = Dieser Link gilt nicht mehr
page-error-410-lead = Links in unseren E‑Mails gelten einmal und für begrenzte Zeit. Fordern Sie einen neuen an.
page-error-503-title = Einen Moment, bitte
page-error-503-lead = Etwas, das wir brauchen, antwortet gerade nicht. Nichts ist verloren; bitte versuchen Sie es in einer Minute noch einmal.
page-error-home = Zum Anfang
page-error-cart = Zum Warenkorb
page-error-retry = Noch einmal versuchen
