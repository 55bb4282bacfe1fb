# Public replies. They also serve as the subjects of mails, so the same rules hold for both:
# no price, no code, no address, and $item stands last so that it can be shortened.
# Never write an at sign or a hash sign here.

# Before good news. $variant is 0 to 3 and depends on the post, so that two replies of the same day
# differ: some networks refuse a text that was posted before.
reply-opener = { $variant ->
    [0] Done!
    [1] There you go!
    [2] All set!
   *[3] Got it!
}

reply-added = Added to your cart: { $item }
reply-quantity-changed = Quantity changed from { $from } to { $to }: { $item }
reply-already-in-cart = Already in your cart: { $item }
reply-preordered = In your cart as a pre-order: { $item }
reply-preordered-on = In your cart as a pre-order, out on { $date }: { $item }
reply-removed = Removed: { $item }
reply-not-in-cart = Was not in your cart: { $item }
reply-wished = On your wish list: { $item }
reply-superseded = You changed this later, and the later change stands: { $item }
reply-out-of-stock = Out of stock: { $item }
reply-deal-excluded = A limited deal, sold only at the shop: { $item }
reply-digital-excluded = A download, sold only at the shop: { $item }
reply-restricted = Can’t be ordered by a post: { $item }
reply-wrong-marketplace = Sold by another of our shops. Please use the tag { $tag }: { $item }
reply-wrong-marketplace-unnamed = Sold by another of our shops: { $item }
reply-choose-option = Which one? Answer that post again and add your choice ({ $choices }): { $item }
reply-choose-option-in-cart = Which one? Please choose in your cart: { $item }
reply-choose-product = That post shows several products. Please choose in your cart.
reply-quantity-capped = { $asked } asked for, { $got } is the most we can put into your cart: { $item }
reply-unknown-product = We don’t know the product behind that link.
reply-no-product-link = We found no product link in your post or in the one it answers.
reply-parent-unavailable = We can’t read the post that you answered.
reply-cart-full = Your cart is full, so this was not added: { $item }
reply-too-old = That post is too old for us to act on.
reply-not-linked = We kept this for you. Link your account once and it goes into your cart. The link is in our profile.
reply-not-linked-here = We kept this for you. Link your account once and it goes into your cart: { $url }
reply-rate-limited = That was a lot in a short time. Please try again later.
reply-blocked = We can’t take posts from this account.
reply-helped = Answer a post that shows a product with our tag { $tag } and it lands in your cart. Add “x2” for two, “{ $remove }” to take it out, “{ $stop }” to hear no more from us.
reply-stopped = We won’t answer your posts any more. Write “{ $start }” beside the tag to change that.
reply-started = Welcome back. We answer your posts again.
reply-purchased = Bought: { $item }
reply-erased = The post was deleted, so it counts no more.

# When not everything fits.
reply-more = { $count ->
    [one] and { $count } more
   *[other] and { $count } more
}
reply-summary = { $count ->
    [one] We handled one line of your post. See your cart.
   *[other] We handled { $count } lines of your post. See your cart.
}
