// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {PriceOracle} from "../../src/PriceOracle.sol";
import {TestFeed} from "../../src/TestFeed.sol";
import {TestToken} from "../../src/TestToken.sol";
import {IInferenceSettlement} from "../../src/interfaces/IInferenceSettlement.sol";
import {IPriceOracle} from "../../src/interfaces/IPriceOracle.sol";
import {SettlementBase} from "../SettlementBase.t.sol";
import {GasBase} from "./GasBase.t.sol";

/// @notice Where stake token and fee token are one.
/// forge-config: default.isolate = true
contract SettlementGas is GasBase, SettlementBase {
    string private constant GROUP = "InferenceSettlement";
    uint256 private constant VOUCHERS = 100;
    /// @dev No round numbers: zero bytes would make calldata look cheaper than it is.
    uint128 private constant FEE = 1.234567891234567891 ether;

    Account[] private _payers;

    function _createFeeToken(TestToken stakeToken_) internal pure override returns (TestToken) {
        return stakeToken_;
    }

    function setUp() public override(GasBase, SettlementBase) {
        super.setUp();
        // Covers every batch below.
        _stake(operator, 1_000_000 ether);
        for (uint256 i = 0; i < VOUCHERS; ++i) {
            _payers.push(makeAccount(string.concat("payer ", vm.toString(i))));
            _deposit(_payers[i].addr, operator, 1000 * FEE);
        }
        // Lanes, rings and sums are in use, as in the life of a network.
        _settleAll(FEE, 1111);
    }

    function test_SettleOneVoucherOfAThousandInferences() public {
        _add(1, 2 * FEE, 2222);
        _settleBatch();
        _record(GROUP, "settle 1 voucher", 120_000);
        _recordEach(GROUP, "settle 1 voucher of 1,000 inferences, per inference", 1000, 120);
    }

    function test_SettleOneVoucherOfASessionKey() public {
        _authorize(_payers[1], sessionKey, _now() + 1 days);
        IInferenceSettlement.Voucher memory voucher = _voucher(_payers[1].addr, operator, 2 * FEE, 2222);
        _add(voucher, _signVoucher(voucher, sessionKey));
        _settleBatch();
        _record(GROUP, "settle 1 voucher of a session key", 123_000);
    }

    /// @dev A hundred payers with a lane each, the dearest case: two cold slots, an event and a signature are 18,000 of it.
    function test_SettleAHundredVouchers() public {
        _settleAll(2 * FEE, 2222);
        _record(GROUP, "settle 100 vouchers of 100 payers", 2_650_000);
        _recordEach(GROUP, "settle 100 vouchers of 100 payers, per voucher", VOUCHERS, 26_500);
    }

    function test_DepositAndClaim() public {
        // Tokens and allowance that are left, as in most wallets: emptying them would refund gas.
        _fund(feeToken, _payers[0].addr, address(settlement), 3 * FEE);
        vm.prank(_payers[0].addr);
        settlement.deposit(_payers[0].addr, operator, FEE);
        _record(GROUP, "deposit", 60_000);
        _release(openBatches[0]);
        _record(GROUP, "release", 80_000);
        _skip(8 * EPOCH);
        settlement.claim(operator);
        _record(GROUP, "claim", 160_000);
    }

    function _settleAll(uint128 cumulativeFee, uint64 cumulativeUnits) private {
        for (uint256 i = 0; i < VOUCHERS; ++i) {
            _add(i, cumulativeFee, cumulativeUnits);
        }
        _settleBatch();
    }

    function _add(uint256 payerIndex, uint128 cumulativeFee, uint64 cumulativeUnits) private {
        IInferenceSettlement.Voucher memory voucher =
            _voucher(_payers[payerIndex].addr, operator, cumulativeFee, cumulativeUnits);
        _add(voucher, _signVoucher(voucher, _payers[payerIndex]));
    }
}

/// @notice Where stake is priced by a feed: what that adds, with a feed of one hop.
/// forge-config: default.isolate = true
contract SettlementTwoTokensGas is GasBase, SettlementBase {
    string private constant GROUP = "InferenceSettlement";

    TestFeed private _feed;

    function _createPriceOracle() internal override returns (IPriceOracle) {
        _feed = TestFeed(_create("TestFeed", abi.encode(this, 8, int256(1000e8))));
        return
            IPriceOracle(
                _create("PriceOracle", abi.encode(accessManager, stakeToken, feeToken, _feed, 1 hours, 24 hours))
            );
    }

    function setUp() public override(GasBase, SettlementBase) {
        super.setUp();
        for (uint256 i = 0; i < 24; ++i) {
            PriceOracle(address(priceOracle)).update();
            _skip(1 hours);
            _feed.setAnswer(1000e8);
        }
        _deposit(payer.addr, operator, 1000 ether);
        _settleOne(_owed(1.234567891234567891 ether, 1111));
    }

    function test_SettleOneVoucherByAPrice() public {
        _settleOne(_owed(2.345678912345678912 ether, 2222));
        _record(GROUP, "settle 1 voucher by a price", 140_000);
    }

    function test_ObserveAPrice() public {
        PriceOracle(address(priceOracle)).update();
        _record("PriceOracle", "update", 130_000);
    }
}
