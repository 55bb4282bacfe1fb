### Our own pages: linking, cart, settings, errors. Every id starts with `page-`.

## The frame

page-skip = Skip to the content
page-nav = Main
page-nav-cart = Cart
page-nav-settings = Settings
page-nav-sign-in = Sign in
page-nav-how = How it works
page-languages = Language
page-support = Help from a person
page-button-sign-out = Sign out

## How it works (the start page of linking)

page-start-title = Add to your { $brand } cart by answering a post
page-start-lead = You see something you like in your timeline. Answer the post, and it waits for you in your cart. Nothing to install, and you stay where you are.
page-start-step-1-title = Link your account once
page-start-step-1-text = Prove that a network account is yours and name an e‑mail address. It takes a minute.
page-start-step-2-title = Answer a post
page-start-step-2-text = When a post shows one of our products, answer it with #{ $tag }. Add “x2” for two, or a size.
page-start-step-3-title = Buy when you like
page-start-step-3-text = The product stays in your cart until you remove it or buy it. Answering a post never buys anything.
page-start-link-title = Link an account
page-start-link-button = Link { $network }
page-start-link-at-network = Open { $network } and choose “link my account” there.
page-start-link-none = Linking is being set up. Please come back a little later.
page-start-have-account = Linked already?
page-start-faq-title = Questions and answers
page-faq-what-q = What does this do?
page-faq-what-a = It reads posts that carry #{ $tag }, finds the product in the post that you answered, and puts it into your cart at { $brand }. You get an e‑mail, and where the network allows it a short reply.
page-faq-say-q = What can I write?
page-faq-say-add = #{ $tag } puts the product into your cart. “x2” sets the number; “size M” or “red” chooses.
page-faq-say-remove = #{ $tag } with “remove” takes it out again. Deleting your post does the same.
page-faq-say-wish = #{ $tag } puts it onto your wish list.
page-faq-say-help = “help”, “stop” and “start” beside the tag do what they say.
page-faq-public-q = What becomes public?
page-faq-public-a = Your post is public if you write it in public: whoever can read it sees that you were interested. Our reply is as public as your post. It holds no price, no code and no address, and for some products not even a name. Your cart, your wish list and your e‑mail address are never shown to anyone.
page-faq-keep-q = What do you keep, and for how long?
page-faq-keep-account = The id and handle of the account you link and your e‑mail address, until you unlink or delete them.
page-faq-keep-cart = Your cart and wish list, until you remove or buy things. We don’t keep the words of your posts.
page-faq-keep-parked = If your account isn’t linked yet: what you asked for, for { $days ->
    [one] one day
   *[other] { $days } days
  }, so that it is not lost when you link. Then it is deleted.
page-faq-keep-access = From { $network } we learn who you are, nothing else. We can’t post for you and we keep no access to your account.
page-faq-keep-cookies = Cookies only for what you do here: one that keeps you signed in for { $days } days at most, one that protects forms, one for the language. Nothing that follows you elsewhere.
page-faq-stop-q = How do I stop?
page-faq-stop-a = Write “stop” beside the tag, use the link in any of our e‑mails, or switch replies and e‑mails off in your settings. There you can also unlink an account or delete everything at once.
page-faq-which-q = Which networks can I link?
page-faq-which-a = At the moment: { $networks }. You can link several to one cart.
page-faq-not-linked-q = I answered a post before linking. Is it lost?
page-faq-not-linked-a = No. We keep it for { $days ->
    [one] one day
   *[other] { $days } days
  }. As soon as you link that account, it goes into your cart.

## Linking an account

page-email-title = Where shall we write to you?
page-email-lead = You have shown that this account is yours. Now name an e‑mail address: your cart belongs to it.
page-email-label = E‑mail address
page-email-hint = We send one link to confirm it. After that, only what you ask for.
page-email-button = Send me the link
page-email-not-you = Not your account?
page-email-start-over = Start again
page-email-invalid = This doesn’t look like an e‑mail address. It needs a part before the @ and a part behind it, like name@example.com.
page-fault-summary = Please check one thing
page-inbox-title = Look into your inbox
page-inbox-lead = If that address can receive mail, a message with a link is on its way. The link works once and for { $minutes } minutes.
page-inbox-spam = Nothing there? Look into the spam folder, or wait a minute and try again.
page-inbox-again = Use another address
page-confirm-title = Link this account to your cart?
page-confirm-lead = From now on, what this account asks for by answering posts goes into the cart of { $email }.
page-confirm-warn = Only continue if this account is yours and you have just asked for it. If you don’t know it, close this page: nothing happens.
page-confirm-button = Yes, link it
page-linked-title = Linked
page-linked-lead = From now on, answer a post with #{ $tag } and the product lands in your cart.
page-linked-released = { $posts ->
    [one] One earlier post of yours is now being put into your cart:
   *[other] { $posts } earlier posts of yours are now being put into your cart:
  }
page-linked-moment = This takes a few seconds. You also get an e‑mail about each.
page-linked-button = Open my cart
page-refused-title = You said no
page-refused-lead = { $network } tells us that you didn’t allow it, so nothing was linked.
page-link-expired-title = This link has run out
page-link-expired-lead = It was good once and for a short time, to be safe. If you used it yourself, all is well: your account is linked. If not, start again: it takes a moment.
page-link-broken-title = This link isn’t right
page-link-broken-lead = Some part of it is missing or was changed on the way. Start again from the beginning.
page-link-browser-title = Please start again in this browser
page-link-browser-lead = For your safety, this step must be finished in the browser in which it was started, with cookies allowed.
page-button-start-over = Start again
page-too-many-title = That was a lot in a short time
page-too-many-lead = To protect people’s inboxes we send only a few links an hour. Please try again later.

## Signing in

page-sign-in-title = Sign in
page-sign-in-lead = No password. Name your e‑mail address, and we send you a link.
page-sign-in-button = Send me a link
page-sign-in-new = New here?
page-sign-in-new-link = See how it works and link an account
page-sign-in-sent-lead = If we know this address, a message with a link is on its way. The link works once and for { $minutes } minutes.
page-enter-title = Open your cart
page-enter-lead = One click, so that only you open it and not a program that looks through your mail.
page-enter-button = Open my cart

## The cart

page-cart-title = Your cart
page-cart-empty-title = Nothing here yet
page-cart-empty-text = Answer a post that shows one of our products with #{ $tag }, and it will be waiting here.
page-cart-market = { $brand } · { $host }
page-cart-products = { $count ->
    [one] one product
   *[other] { $count } products
  }
page-cart-quantity = Quantity of { $title }
page-cart-update = Update the quantity of { $title }
page-cart-less = One less of { $title }
page-cart-more = One more of { $title }
page-cart-remove = Remove
page-cart-to-wish = Move to wish list
page-cart-to-cart = Move to cart
page-cart-total = Total
page-cart-total-part = Total without the prices shown at checkout
page-cart-at-checkout = Price shown at checkout
page-cart-total-at-checkout = Shown at checkout
page-cart-checkout = Check out
page-cart-checkout-note = You buy at { $host }. Nothing is ordered before that.
page-cart-checkout-none = None of these can be bought just now.
page-checkout-parts-title = Your cart goes over in parts
page-checkout-parts-lead = It is too long for one step. Open the parts one after the other; the shop puts them together.
page-checkout-part = Part { $part }
page-cart-wishes = Wish list
page-cart-choices = Waiting for your choice
page-cart-choice = Which one would you like?
page-cart-choose = Add to cart
page-cart-choose-wish = Put on wish list
page-cart-dismiss = No, thanks
page-cart-gone = No longer in the catalogue
page-state-in-stock = In stock
page-state-out-of-stock = Out of stock at the moment
page-state-preorder = Pre-order
page-state-preorder-on = Pre-order: available on { $date }
page-state-backorder = On back-order
page-state-backorder-on = On back-order: expected on { $date }
page-state-price-was = before
page-told-Added = Added to your cart.
page-told-QuantityChanged = Quantity changed.
page-told-AlreadyInCart = That is in your cart already.
page-told-Preordered = Added to your cart as a pre-order.
page-told-Removed = Removed.
page-told-NotInCart = That was no longer there.
page-told-Wished = On your wish list.
page-told-Superseded = You changed this later already; the later change stands.
page-told-OutOfStock = That is out of stock at the moment.
page-told-DealExcluded = That is a limited deal: you can buy it at the shop only.
page-told-DigitalExcluded = That is a download: you can buy it at the shop only.
page-told-Restricted = That can be bought at the shop only.
page-told-WrongMarketplace = That is sold by another of our shops.
page-told-ChooseOption = Please choose first.
page-told-QuantityCapped = More than { $got } isn’t possible; your cart now has { $got }.
page-told-UnknownProduct = We don’t know this product any more.
page-told-CartFull = Your cart is full. Remove something first.
page-told-TooOld = That is too long ago.
page-told-RateLimited = That was a lot in a short time. Please try again in a few minutes.
page-told-Blocked = This can’t be done.

## Settings

page-settings-title = Settings
page-settings-replies = Replies to my posts
page-settings-replies-hint = A short public reply says that your post has arrived, where the network allows it.
page-settings-mails = E‑mails about my cart
page-settings-mails-hint = An e‑mail after each post. The links to confirm and sign in always come.
page-settings-mails-undeliverable = E‑mails to your address came back, so we stopped sending. Switch them on again when it works.
page-settings-on = On
page-settings-off = Off
page-settings-turn-on = Switch on
page-settings-turn-off = Switch off
page-settings-turn-on-named = Switch on: { $what }
page-settings-turn-off-named = Switch off: { $what }
page-settings-language = Language of mails and pages
page-settings-save = Save
page-settings-accounts = Linked accounts
page-settings-accounts-none = No account is linked.
page-settings-linked-since = Linked on { $date }
page-settings-unlink = Unlink
page-settings-unlink-named = Unlink { $account }
page-settings-link-more = Link another account
page-settings-email = Your address
page-settings-session = This device
page-settings-session-hint = You are signed in here for up to { $days } days.
page-settings-delete-title = Delete everything
page-settings-delete-hint = Your cart, your wish list, linked accounts and address. This can’t be undone.
page-settings-delete-button = Delete my data
page-settings-saved = Saved.
page-settings-unlinked = Unlinked.
page-delete-title = Delete everything?
page-delete-lead = We delete your cart and wish list, your settings, your linked accounts and your e‑mail address, at once and for good. Orders at the shop are not touched.
page-delete-button = Yes, delete everything
page-delete-keep = Keep it
page-deleted-title = Deleted
page-deleted-lead = Everything that we knew about you is gone. If you like, you can begin anew at any time.

## Unsubscribing

page-unsubscribe-title = No more e‑mails?
page-unsubscribe-lead = We then send no e‑mails about your cart to { $email } any more. Your cart stays as it is.
page-unsubscribe-button = Stop the e‑mails
page-unsubscribed-title = You won’t get these e‑mails any more
page-unsubscribed-lead = Changed your mind? Switch them on again in your settings.

## Errors

page-error-400-title = We couldn’t read that
page-error-400-lead = Something in the request was missing or damaged. Go back and try again.
page-error-401-title = Please sign in
page-error-401-lead = This page is yours alone, so we need to know that it’s you.
page-error-403-title = This form has gone stale
page-error-403-lead = For your safety we didn’t accept it: it was open for too long, or it didn’t come from this page. Reload the page and try again.
page-error-404-title = There is nothing here
page-error-404-lead = The address may have a typing error, or the page has moved.
page-error-405-title = Not this way
page-error-405-lead = This address can’t be used like that. Start from the cart.
page-error-410-title = This link has run out
page-error-410-lead = Links in our e‑mails work once and for a limited time. Ask for a new one.
page-error-503-title = One moment, please
page-error-503-lead = Something that we need isn’t answering just now. Nothing is lost; please try again in a minute.
page-error-home = To the start
page-error-cart = To the cart
page-error-retry = Try again
