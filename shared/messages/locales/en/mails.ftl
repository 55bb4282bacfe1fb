# Mails. $brand is the storefront's name.

mail-subject-many = { $count ->
    [one] Your post: one answer from { $brand }
   *[other] Your post: { $count } answers from { $brand }
}
mail-greeting = Hello,
mail-greeting-handle = Hello { $handle },
mail-intro = this is what became of your post.

# What became of one line, below the product's title.
mail-added = It is in your cart and stays there until you buy or remove it.
mail-quantity-changed = Your cart had { $from } of it and has { $to } now.
mail-already-in-cart = It was in your cart already, so nothing has changed.
mail-preordered = It is in your cart as a pre-order and is sent when it comes out.
mail-preordered-on = It is in your cart as a pre-order and comes out on { $date }.
mail-removed = It is no longer in your cart or on your wish list.
mail-not-in-cart = It was not in your cart, so there was nothing to remove.
mail-wished = It is on your wish list.
mail-superseded = You changed this later, and the later change stands. Your post arrived after it.
mail-out-of-stock = It is out of stock, so it was not added.
mail-deal-excluded = It is a limited deal. Deals can’t be held in a cart: please buy it at the shop.
mail-digital-excluded = It is a download. Downloads are bought at the shop.
mail-restricted = It can’t be ordered by a post. Please visit the shop.
mail-wrong-marketplace = Another of our shops sells it. Please use the tag { $tag } for that one.
mail-wrong-marketplace-unnamed = Another of our shops sells it.
mail-choose-option = There is more than one. Please choose in your cart:
mail-quantity-capped = You asked for { $asked }. { $got } is the most we can put into your cart.
mail-unknown-product = We don’t know the product behind the link. It may be new or gone from the shop.
mail-no-product-link = We found no product link in your post or in the one it answers.
mail-parent-unavailable = We can’t read the post that you answered. It may be deleted or protected.
mail-cart-full = Your cart is full, so it was not added. Remove something and post again.
mail-too-old = The post is too old for us to act on.
mail-not-linked = Your account was not linked yet. We kept this for you.
mail-rate-limited = That was a lot in a short time, so we left this one out. Please try again later.
mail-blocked = We can’t take posts from this account. If you think that this is a mistake, please write to us.
mail-helped = Answer a post that shows a product with our tag { $tag }. Add “x2” for two, a size or colour to choose, “{ $remove }” to take it out again, “{ $stop }” to hear no more from us.
mail-stopped = We won’t answer your posts any more and send no more mails about them. Write “{ $start }” beside the tag to change that.
mail-started = Welcome back. We answer your posts again.
mail-purchased = You bought { $quantity } of it, so it has left your cart.
mail-erased = You deleted the post, so what it asked for counts no more.

mail-quantity = Quantity: { $quantity }
mail-price = Price: { $price }
mail-picture = Picture of { $title }
mail-button-cart = Open my cart
mail-post = Your post
mail-reason = You get this mail because you linked your account { $account } with { $brand } and posted with our tag.
mail-preferences = Settings
mail-unsubscribe = Stop these mails
mail-support = Questions? { $support }
mail-prices-change = Prices are those of the moment when you posted. What you pay is shown at the checkout.

sign-in-subject = Your sign-in link for { $brand }
sign-in-intro = somebody, we hope you, wants to sign in to your cart at { $brand }.
sign-in-button = Sign in
sign-in-expiry = { $minutes ->
    [one] The link works once and for one minute.
   *[other] The link works once and for { $minutes } minutes.
}
sign-in-ignore = If it was not you, do nothing: nobody gets in without this mail.

confirm-subject = Confirm your address for { $brand }
confirm-intro = you linked { $account } with { $brand }. Please confirm that this address is yours.
confirm-button = Confirm my address
confirm-expiry = { $minutes ->
    [one] The link works once and for one minute.
   *[other] The link works once and for { $minutes } minutes.
}
confirm-ignore = If it was not you, do nothing: without the confirmation the account stays unlinked.
